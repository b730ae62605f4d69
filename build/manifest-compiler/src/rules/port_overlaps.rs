//! No I/O port belongs to two devices.
//!
//! The ports of PCI configuration, 0xcf8 to 0xcff, are the root server's. A byte-wide device at 0xcf9
//! (the chipset's reset register) may be granted all the same: configuration is reached by
//! 32-bit accesses to 0xcf8 alone.

use crate::diagnostic::Report;
use crate::source::{PortPart, Sources};

const CONFIGURATION: std::ops::RangeInclusive<u16> = 0xcf8..=0xcff;
const RESET: u16 = 0xcf9;

pub(super) fn check(sources: &Sources, report: &mut Report) {
    let hardware = &sources.hardware;
    let mut ranges: Vec<(&PortPart, &str)> = Vec::new();
    for device in &hardware.device {
        for part in &device.ports {
            let (first, last) = bounds(part);
            if first > last {
                report.add(hardware.at(&part.last), "the last port is below the first");
            }
            let is_reset = (first, last) == (RESET, RESET);
            if first <= *CONFIGURATION.end() && last >= *CONFIGURATION.start() && !is_reset {
                let sentence = "ports 0xcf8 to 0xcff configure PCI and are granted to nobody";
                report.add(hardware.at(&part.first), sentence);
            }
            for (other, owner) in &ranges {
                let (other_first, other_last) = bounds(other);
                if first <= other_last && other_first <= last {
                    let sentence = format!(
                        "ports {first:#x} to {last:#x} overlap `{}` of device `{owner}`",
                        other.name.get_ref()
                    );
                    report.add(hardware.at(&part.first), sentence);
                }
            }
            ranges.push((part, device.name.get_ref()));
        }
    }
}

fn bounds(part: &PortPart) -> (u16, u16) {
    (*part.first.get_ref(), *part.last.get_ref())
}
