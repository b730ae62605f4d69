//! Names are unique, and simple enough to be part of other names.

use std::collections::HashSet;

use crate::diagnostic::{Place, Report};
use crate::source::{Document, Sources, Text};

/// Longest name; an archive entry has 47 bytes.
const LENGTH_MAX: usize = 32;

pub(super) fn check(sources: &Sources, report: &mut Report) {
    let system = &sources.system;
    let names = system.component.iter().map(|c| &c.get_ref().name);
    distinct(system, "component", names, report);
    let hardware = &sources.hardware;
    let devices = hardware.device.iter().map(|device| &device.name);
    distinct(hardware, "device", devices, report);
    for device in &hardware.device {
        distinct(hardware, "part of the device", device.parts(), report);
        let facts = device.parameter.iter().map(|fact| &fact.name);
        distinct(hardware, "parameter of the device", facts, report);
    }
    let mut seen = HashSet::new();
    for (component, needs) in sources.components() {
        if seen.insert(component.needs.get_ref()) {
            let regions = needs.region.iter().chain(&needs.dma).map(|need| &need.name);
            let roles = needs.device.iter().map(|need| &need.role);
            let channels = needs.channel.iter().map(|need| &need.role);
            let guests = needs.guest.iter().map(|need| &need.role);
            let files = needs.file.iter().map(|need| &need.name);
            let all = regions.chain(roles).chain(channels).chain(guests);
            distinct(needs, "need", all.chain(files), report);
            distinct_settings(needs, report);
        }
    }
}

fn distinct<'a, T>(
    document: &Document<T>,
    what: &str,
    names: impl Iterator<Item = &'a Text>,
    report: &mut Report,
) {
    let mut seen = HashSet::new();
    for name in names {
        let text = name.get_ref();
        check_letters(text, || document.at(name), report);
        if !seen.insert(text) {
            report.add(
                document.at(name),
                format!("there is already a {what} called `{text}`"),
            );
        }
    }
}

/// Settings may have dots and a star in their names; they must differ among themselves.
fn distinct_settings(needs: &Document<crate::source::Needs>, report: &mut Report) {
    let mut seen = HashSet::new();
    for need in &needs.parameter {
        if !seen.insert(need.name.get_ref()) {
            report.add(
                needs.at(&need.name),
                format!(
                    "there is already a parameter called `{}`",
                    need.name.get_ref()
                ),
            );
        }
    }
}

fn check_letters(name: &str, place: impl FnOnce() -> Place, report: &mut Report) {
    let simple = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !simple || name.len() > LENGTH_MAX {
        report.add(
            place(),
            format!(
                "`{name}` is no name; names have at most {LENGTH_MAX} lower-case letters, digits and hyphens and start with a letter"
            ),
        );
    }
}
