//! The board's devices: PCI bus, serial port, clock chip, and the power-off state.

use alloc::vec::Vec;

use super::{
    aml::{
        bus_numbers, device, eisa_id, integer, interrupt, memory_range, name, package, port_range,
        ports, resources, scope,
    },
    header::table,
};
use crate::{
    device::SLEEP_TYPE_OFF,
    layout::{
        PCI_INTERRUPT_BASE, PCI_PORTS_START, PCI_WINDOW_LAST, PCI_WINDOW_START,
        POWER_MANAGEMENT_PORT, SERIAL_INTERRUPT,
    },
    number::low_u32,
};

/// PCI devices that have an interrupt line.
const PCI_DEVICES: u8 = 4;

/// The differentiated system description table.
pub(super) fn build() -> Vec<u8> {
    let mut body = scope(
        "_SB_",
        &[pci_bus(), serial_port(), clock_chip(), board()].concat(),
    );
    let off = integer(u32::from(SLEEP_TYPE_OFF));
    body.extend(name(
        "_S5_",
        &package(&[off.clone(), off, integer(0), integer(0)]),
    ));
    table(*b"DSDT", 2, &body)
}

fn pci_bus() -> Vec<u8> {
    let windows = resources(&[
        bus_numbers(0),
        ports(0xcf8, 8),
        port_range(PCI_PORTS_START, 0xffff),
        memory_range(low_u32(PCI_WINDOW_START), low_u32(PCI_WINDOW_LAST)),
    ]);
    let content = [
        name("_HID", &eisa_id(*b"PNP", 0x0a03)),
        name("_UID", &integer(0)),
        name("_BBN", &integer(0)),
        name("_CRS", &windows),
        name("_PRT", &routing()),
    ];
    device("PCI0", &content.concat())
}

/// Pin A of device n is wired to one input of the I/O APIC each.
fn routing() -> Vec<u8> {
    let entries: Vec<Vec<u8>> = (1..=PCI_DEVICES)
        .map(|number| {
            package(&[
                integer((u32::from(number) << 16) | 0xffff),
                integer(0),
                integer(0),
                integer(u32::from(PCI_INTERRUPT_BASE + number - 1)),
            ])
        })
        .collect();
    package(&entries)
}

fn serial_port() -> Vec<u8> {
    let content = [
        name("_HID", &eisa_id(*b"PNP", 0x0501)),
        name("_UID", &integer(1)),
        name(
            "_CRS",
            &resources(&[ports(0x3f8, 8), interrupt(SERIAL_INTERRUPT)]),
        ),
    ];
    device("COM1", &content.concat())
}

fn clock_chip() -> Vec<u8> {
    let content = [
        name("_HID", &eisa_id(*b"PNP", 0x0b00)),
        name("_CRS", &resources(&[ports(0x70, 2)])),
    ];
    device("RTC_", &content.concat())
}

/// Ports of the board that no driver may take.
fn board() -> Vec<u8> {
    let content = [
        name("_HID", &eisa_id(*b"PNP", 0x0c02)),
        name("_CRS", &resources(&[ports(POWER_MANAGEMENT_PORT, 0x10)])),
    ];
    device("MBRD", &content.concat())
}
