//! No physical address belongs to two devices, or to a device and RAM.

use toml::Spanned;

use crate::diagnostic::Report;
use crate::source::{Size, Sources};

struct Range<'a> {
    name: String,
    address: &'a Spanned<u64>,
    size: &'a Spanned<Size>,
}

impl Range<'_> {
    fn end(&self) -> u64 {
        self.address
            .get_ref()
            .saturating_add(self.size.get_ref().bytes())
    }

    fn overlaps(&self, other: &Range<'_>) -> bool {
        *self.address.get_ref() < other.end() && *other.address.get_ref() < self.end()
    }
}

pub(super) fn check(sources: &Sources, report: &mut Report) {
    let hardware = &sources.hardware;
    let ranges = ranges(sources);
    for (index, range) in ranges.iter().enumerate() {
        for other in &ranges[..index] {
            if range.overlaps(other) {
                let (start, end) = (range.address.get_ref(), range.end());
                let sentence =
                    format!("addresses {start:#x} up to {end:#x} overlap {}", other.name);
                report.add(hardware.at(range.address), sentence);
            }
        }
    }
}

fn ranges(sources: &Sources) -> Vec<Range<'_>> {
    let mut ranges = Vec::new();
    for memory in &sources.hardware.memory {
        ranges.push(Range {
            name: "RAM".into(),
            address: &memory.address,
            size: &memory.size,
        });
    }
    for device in &sources.hardware.device {
        let owner = device.name.get_ref();
        for part in &device.memory {
            ranges.push(Range {
                name: format!("`{}` of device `{owner}`", part.name.get_ref()),
                address: &part.address,
                size: &part.size,
            });
        }
        for bar in device.pci.iter().flat_map(|pci| &pci.get_ref().bar) {
            ranges.push(Range {
                name: format!("`{}` of device `{owner}`", bar.name.get_ref()),
                address: &bar.address,
                size: &bar.size,
            });
        }
    }
    ranges
}
