//! Interrupt controllers (section 5.2.12).

use alloc::vec::Vec;

use super::header::table;
use crate::{
    layout::{ACPI_INTERRUPT, IO_APIC, LOCAL_APIC, TIMER_INPUT},
    number::low_u32,
};

/// Flag: the 8259 pair is there as well.
const PC_AT_COMPATIBLE: u32 = 1;
/// Interrupt flags: active high, level.
const HIGH_LEVEL: u16 = 0x000d;

/// One CPU, one I/O APIC, and where its inputs differ from the ISA numbers.
pub(super) fn build() -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&low_u32(LOCAL_APIC).to_le_bytes());
    body.extend_from_slice(&PC_AT_COMPATIBLE.to_le_bytes());
    // Local APIC: type 0, processor 0, identification 0, enabled.
    body.extend_from_slice(&[0, 8, 0, 0, 1, 0, 0, 0]);
    // I/O APIC: type 1, identification 0, first interrupt 0.
    body.extend_from_slice(&[1, 12, 0, 0]);
    body.extend_from_slice(&low_u32(IO_APIC).to_le_bytes());
    body.extend_from_slice(&0u32.to_le_bytes());
    source_override(&mut body, 0, TIMER_INPUT, 0);
    source_override(&mut body, ACPI_INTERRUPT, ACPI_INTERRUPT, HIGH_LEVEL);
    table(*b"APIC", 5, &body)
}

/// Interrupt source override: type 2, ISA bus.
fn source_override(body: &mut Vec<u8>, source: u8, input: u8, flags: u16) {
    body.extend_from_slice(&[2, 10, 0, source]);
    body.extend_from_slice(&u32::from(input).to_le_bytes());
    body.extend_from_slice(&flags.to_le_bytes());
}
