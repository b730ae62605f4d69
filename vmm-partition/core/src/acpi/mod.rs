//! The ACPI tables of the machine (ACPI specification 6.5).
//!
//! One fixed set: the description of one CPU, one I/O APIC, fixed power hardware, and in the DSDT a PCI bus,
//! a serial port and a clock chip. It is written where a PC's firmware would keep it.

mod aml;
mod dsdt;
mod fadt;
mod header;
mod madt;
mod root;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use crate::guest_memory::GuestAddress;

/// The tables in one piece.
pub(crate) struct Tables {
    /// What lies at the address that the tables were built for.
    pub(crate) bytes: Vec<u8>,
    /// The root pointer.
    pub(crate) rsdp: GuestAddress,
}

/// Builds the tables for `start`.
pub(crate) fn build(start: GuestAddress) -> Tables {
    let mut bytes = Vec::new();
    let mut append = |table: &[u8]| {
        bytes.resize(bytes.len().next_multiple_of(64), 0);
        let address = start.0 + bytes.len() as u64;
        bytes.extend_from_slice(table);
        address
    };
    // The root pointer stands first; it is written when the rest is placed.
    let rsdp = append(&[0; root::RSDP_BYTES]);
    let facs = append(&fadt::facs());
    let dsdt = append(&dsdt::build());
    let fadt = append(&fadt::build(facs, dsdt));
    let madt = append(&madt::build());
    let xsdt = append(&root::xsdt(&[fadt, madt]));
    bytes[..root::RSDP_BYTES].copy_from_slice(&root::rsdp(xsdt));
    Tables {
        bytes,
        rsdp: GuestAddress(rsdp),
    }
}
