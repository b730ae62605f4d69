//! The one ACPI table the kernel reads: the MADT, for the interrupt controllers' addresses.

use super::bytes::{read_u32, read_u64};
use super::early_memory::EarlyMemory;

/// Most I/O APICs that are used.
pub(crate) const IO_APIC_CAPACITY: usize = 8;

const LOCAL_APIC_DEFAULT: u64 = 0xfee0_0000;
const IO_APIC_DEFAULT: u64 = 0xfec0_0000;
const TABLE_HEADER_BYTES: usize = 36;
const TABLE_BYTES_MAX: u64 = 1 << 20;

/// Bytes of the root pointer since ACPI 2.0.
pub(super) const RSDP_BYTES: usize = 36;
/// Bytes of the root pointer of ACPI 1.0, and offset of the revision in it.
const RSDP_1_BYTES: u64 = 20;
const RSDP_REVISION: usize = 15;

/// Where the interrupt controllers are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InterruptControllers {
    /// Physical address of the local APIC.
    pub(crate) local_apic: u64,
    io_apics: [u64; IO_APIC_CAPACITY],
    io_apic_count: usize,
}

impl InterruptControllers {
    /// Physical addresses of the I/O APICs.
    pub(crate) fn io_apics(&self) -> &[u64] {
        &self.io_apics[..self.io_apic_count]
    }

    fn add_io_apic(&mut self, address: u64) {
        if let Some(place) = self.io_apics.get_mut(self.io_apic_count) {
            *place = address;
            self.io_apic_count += 1;
        }
    }
}

/// The root pointer itself; bytes that its version lacks are zero.
pub(super) fn root_pointer(memory: &EarlyMemory, at: u64) -> Option<[u8; RSDP_BYTES]> {
    let mut copy = [0; RSDP_BYTES];
    let first = memory.bytes(at, RSDP_1_BYTES)?;
    if !first.starts_with(b"RSD PTR ") {
        return None;
    }
    let bytes = if first[RSDP_REVISION] >= 2 {
        memory.bytes(at, RSDP_BYTES as u64)?
    } else {
        first
    };
    copy[..bytes.len()].copy_from_slice(bytes);
    Some(copy)
}

/// The interrupt controllers that the tables name; those of every PC where there are no tables.
pub(super) fn interrupt_controllers(
    memory: &EarlyMemory,
    root_pointer: Option<&[u8; RSDP_BYTES]>,
) -> InterruptControllers {
    let mut found = InterruptControllers {
        local_apic: LOCAL_APIC_DEFAULT,
        io_apics: [0; IO_APIC_CAPACITY],
        io_apic_count: 0,
    };
    let table = root_pointer.and_then(|root| find_table(memory, root, *b"APIC"));
    if table
        .and_then(|table| read_madt(table, &mut found))
        .is_none()
    {
        found.add_io_apic(IO_APIC_DEFAULT);
    }
    found
}

/// The table with this signature.
fn find_table<'a>(
    memory: &'a EarlyMemory,
    root_pointer: &[u8; RSDP_BYTES],
    signature: [u8; 4],
) -> Option<&'a [u8]> {
    let extended = read_u64(root_pointer, 24)?;
    let (root, entry_bytes) = if root_pointer[RSDP_REVISION] >= 2 && extended != 0 {
        (table(memory, extended)?, 8)
    } else {
        (table(memory, read_u32(root_pointer, 16)?.into())?, 4)
    };
    root.get(TABLE_HEADER_BYTES..)?
        .chunks_exact(entry_bytes)
        .filter_map(|entry| {
            let address = read_u64(entry, 0).or_else(|| read_u32(entry, 0).map(u64::from))?;
            table(memory, address)
        })
        .find(|table| table.starts_with(&signature))
}

/// The table at an address, as long as its header says.
fn table(memory: &EarlyMemory, at: u64) -> Option<&[u8]> {
    let bytes = u64::from(read_u32(memory.bytes(at, TABLE_HEADER_BYTES as u64)?, 4)?);
    if bytes > TABLE_BYTES_MAX {
        return None;
    }
    memory.bytes(at, bytes)
}

/// ACPI 6.5, section 5.2.12.
fn read_madt(madt: &[u8], found: &mut InterruptControllers) -> Option<()> {
    const IO_APIC: u8 = 1;
    const LOCAL_APIC_ADDRESS_OVERRIDE: u8 = 5;
    found.local_apic = read_u32(madt, TABLE_HEADER_BYTES)?.into();
    let mut rest = madt.get(TABLE_HEADER_BYTES + 8..)?;
    while let &[kind, bytes, ..] = rest {
        let entry = rest.get(..usize::from(bytes.max(2)))?;
        match kind {
            IO_APIC => found.add_io_apic(read_u32(entry, 4)?.into()),
            LOCAL_APIC_ADDRESS_OVERRIDE => found.local_apic = read_u64(entry, 4)?,
            _ => {}
        }
        rest = &rest[entry.len()..];
    }
    (found.io_apic_count > 0).then_some(())
}
