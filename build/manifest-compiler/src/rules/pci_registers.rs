//! PCI functions are described possibly, and no component gets the page of an MSI-X table.
//!
//! Whoever can write an MSI-X table can make the device write any address, so its page is mapped
//! to nobody.

use toml::Spanned;

use super::quantities::SMALL_FRAMES_MAX;
use crate::diagnostic::Report;
use crate::source::{Device, PciBar, PciPart, Sources, Width};

const PAGE: u64 = 4096;

pub(super) fn check(sources: &Sources, report: &mut Report) {
    for device in &sources.hardware.device {
        for pci in &device.pci {
            check_place(sources, pci, report);
            for bar in &pci.get_ref().bar {
                check_bar(sources, bar, report);
            }
            check_table(sources, pci, report);
        }
        if let [_, second, ..] = &device.pci[..] {
            let sentence = "a device is one PCI function; make this one another device";
            report.add(sources.hardware.at(second), sentence);
        }
    }
    check_table_pages(sources, report);
}

fn check_place(sources: &Sources, spanned: &Spanned<PciPart>, report: &mut Report) {
    let pci = spanned.get_ref();
    let buses = *sources.hardware.pci_buses.get_ref();
    if pci.bus >= buses || pci.device > 31 || pci.function > 7 {
        let sentence = format!("PCI has buses below {buses}, devices to 31, functions to 7");
        report.add(sources.hardware.at(spanned), sentence);
    }
}

fn check_bar(sources: &Sources, bar: &PciBar, report: &mut Report) {
    let (address, size) = (*bar.address.get_ref(), bar.size.get_ref().bytes());
    let hardware = &sources.hardware;
    if !size.is_power_of_two() || !(PAGE..=SMALL_FRAMES_MAX).contains(&size) {
        let sentence = "a base address register covers a power of two from 4 KiB to 1 GiB";
        report.add(hardware.at(&bar.size), sentence);
    } else if !address.is_multiple_of(size) {
        let sentence = format!("address {address:#x} is no multiple of the size");
        report.add(hardware.at(&bar.address), sentence);
    }
    let (last, end) = match bar.width {
        Width::Bits32 => (5, 1u64 << 32),
        Width::Bits64 => (4, 1 << 52),
    };
    if bar.index > last || address.saturating_add(size) > end {
        let sentence = "this base address register cannot hold that address";
        report.add(hardware.at(&bar.address), sentence);
    }
}

/// Messages have one table, in a register that is described.
fn check_table(sources: &Sources, spanned: &Spanned<PciPart>, report: &mut Report) {
    let pci = spanned.get_ref();
    let hardware = &sources.hardware;
    match &pci.message_table[..] {
        [] if pci.message.is_empty() => {}
        [table] if !pci.message.is_empty() => {
            let bar = pci
                .bar
                .iter()
                .find(|bar| bar.name.get_ref() == table.bar.get_ref());
            let Some(bar) = bar else {
                let sentence = format!("there is no bar `{}`", table.bar.get_ref());
                return report.add(hardware.at(&table.bar), sentence);
            };
            let entries = pci
                .message
                .iter()
                .map(|message| u64::from(*message.entry.get_ref()) + 1);
            let end = u64::from(*table.offset.get_ref()) + 16 * entries.max().unwrap_or(0);
            if end > bar.size.get_ref().bytes() {
                let sentence = "the message table does not fit into its bar";
                report.add(hardware.at(&table.offset), sentence);
            }
        }
        _ => {
            let sentence = "a function with messages has one message table, one without has none";
            report.add(hardware.at(spanned), sentence);
        }
    }
}

/// No component asks for a bar whose pages hold a message table.
fn check_table_pages(sources: &Sources, report: &mut Report) {
    for (component, needs) in sources.components() {
        for grant in &component.device {
            let need = needs
                .device
                .iter()
                .find(|n| n.role.get_ref() == grant.need.get_ref());
            let device = sources.device(grant.device.get_ref());
            let (Some(need), Some(device)) = (need, device) else {
                continue;
            };
            for part in &need.parts {
                if holds_table(device, part.get_ref()) {
                    let (part, device) = (part.get_ref(), device.name.get_ref());
                    let sentence = format!(
                        "`{part}` of device `{device}` holds an MSI-X table and cannot be granted"
                    );
                    report.add(sources.system.at(&grant.device), sentence);
                }
            }
        }
    }
}

fn holds_table(device: &Device, part: &str) -> bool {
    let tables = device
        .pci
        .iter()
        .flat_map(|pci| &pci.get_ref().message_table);
    tables.into_iter().any(|table| table.bar.get_ref() == part)
}
