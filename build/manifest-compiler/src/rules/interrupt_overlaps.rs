//! Every interrupt has its own vector, and its own input of the I/O APIC.

use std::collections::HashMap;

use toml::Spanned;

use crate::diagnostic::Report;
use crate::source::Sources;

/// Highest user vector.
const VECTOR_MAX: u8 = 107;

pub(super) fn check(sources: &Sources, report: &mut Report) {
    let hardware = &sources.hardware;
    let mut vectors = HashMap::new();
    let mut pins = HashMap::new();
    for device in &hardware.device {
        let owner = device.name.get_ref().as_str();
        for line in &device.interrupt {
            check_vector(sources, &line.vector, owner, &mut vectors, report);
            let pin = *line.pin.get_ref();
            if let Some(other) = pins.insert((line.io_apic, pin), owner) {
                report.add(
                    hardware.at(&line.pin),
                    format!("input {pin} of the I/O APIC is device `{other}`'s already"),
                );
            }
        }
        for message in device.pci.iter().flat_map(|pci| &pci.get_ref().message) {
            check_vector(sources, &message.vector, owner, &mut vectors, report);
        }
    }
}

fn check_vector<'a>(
    sources: &Sources,
    vector: &Spanned<u8>,
    owner: &'a str,
    vectors: &mut HashMap<u8, &'a str>,
    report: &mut Report,
) {
    let number = *vector.get_ref();
    let place = sources.hardware.at(vector);
    if number > VECTOR_MAX {
        report.add(place, format!("vectors end at {VECTOR_MAX}"));
    } else if let Some(other) = vectors.insert(number, owner) {
        report.add(
            place,
            format!("vector {number} is device `{other}`'s already"),
        );
    }
}
