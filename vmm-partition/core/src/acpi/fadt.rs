//! Fixed hardware (section 5.2.9), and the firmware control structure that it names.

use alloc::vec::Vec;

use super::header::{HEADER_BYTES, table};
use crate::{
    device::CENTURY,
    layout::{ACPI_INTERRUPT, POWER_MANAGEMENT_PORT, RESET_PORT, RESET_VALUE},
    number::low_u32,
};

/// Bytes of revision 6.
const FADT_BYTES: usize = 276;
/// Legacy devices, but no VGA.
const BOOT_ARCHITECTURE: u16 = 1 | 1 << 2;
/// WBINVD works, C1 works, no fixed power and sleep buttons, no wake by the clock chip, 32-bit timer, reset register.
const FLAGS: u32 = 1 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 10;

/// The fixed description table.
pub(super) fn build(facs: u64, dsdt: u64) -> Vec<u8> {
    let mut bytes = [0; FADT_BYTES];
    let mut put = |at: usize, value: &[u8]| {
        for (place, byte) in bytes.iter_mut().skip(at).zip(value) {
            *place = *byte;
        }
    };
    let port = |offset: u16| u32::from(POWER_MANAGEMENT_PORT + offset).to_le_bytes();
    put(36, &low_u32(facs).to_le_bytes());
    put(40, &low_u32(dsdt).to_le_bytes());
    put(46, &u16::from(ACPI_INTERRUPT).to_le_bytes());
    // No SMI command port: ACPI mode is always on.
    put(56, &port(0));
    put(64, &port(4));
    put(76, &port(8));
    // Lengths of event, control and timer blocks.
    put(88, &[4, 2, 0, 4]);
    // Latencies that mean: no C2, no C3.
    put(96, &101u16.to_le_bytes());
    put(98, &1001u16.to_le_bytes());
    put(108, &[CENTURY]);
    put(109, &BOOT_ARCHITECTURE.to_le_bytes());
    put(112, &FLAGS.to_le_bytes());
    put(116, &port_address(RESET_PORT, 1));
    put(128, &[RESET_VALUE]);
    put(140, &dsdt.to_le_bytes());
    put(148, &port_address(POWER_MANAGEMENT_PORT, 4));
    put(172, &port_address(POWER_MANAGEMENT_PORT + 4, 2));
    put(208, &port_address(POWER_MANAGEMENT_PORT + 8, 4));
    table(*b"FACP", 6, &bytes[HEADER_BYTES..])
}

/// A generic address (section 5.2.3.2) of a port block.
fn port_address(port: u16, bytes: u8) -> [u8; 12] {
    let mut address = [0; 12];
    address[0] = 1;
    address[1] = bytes * 8;
    // Access size: 1 for bytes, 2 for words, 3 for double words.
    address[3] = match bytes {
        1 => 1,
        2 => 2,
        _ => 3,
    };
    address[4..6].copy_from_slice(&port.to_le_bytes());
    address
}

/// The firmware control structure (section 5.2.10): no waking vector, no global lock owner.
pub(super) fn facs() -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[0..4].copy_from_slice(b"FACS");
    bytes[4] = 64;
    bytes[32] = 2;
    bytes
}
