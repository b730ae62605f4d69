//! Guests: virtual processors and nested paging, Sekisho's own.

use sel4_sys::{CapRights, Error, extension::label as extension};

use super::{Done, done};
use crate::Ipc;

/// `VCpuSetSpace`.
pub fn vcpu_set_space(ipc: &Ipc, vcpu: u64, nested_root: u64) -> Done {
    done(ipc, vcpu, extension::VCPU_SET_SPACE, &[], &[nested_root])
}

/// `NestedTableMap`: the table serves the highest missing level at `address`.
pub fn nested_table_map(ipc: &Ipc, table: u64, nested_root: u64, address: u64) -> Done {
    let operation = extension::NESTED_TABLE_MAP;
    done(ipc, table, operation, &[address], &[nested_root])
}

/// `NestedPageMap`.
pub fn nested_page_map(
    ipc: &Ipc,
    page: u64,
    nested_root: u64,
    address: u64,
    rights: CapRights,
    attributes: u64,
) -> Done {
    let words = [address, rights.0, attributes];
    let operation = extension::NESTED_PAGE_MAP;
    done(ipc, page, operation, &words, &[nested_root])
}

/// `VCpuReadRegisters` of the one register `id` (see [`sel4_sys::extension::register`]).
pub fn vcpu_read_register(ipc: &Ipc, vcpu: u64, id: u64) -> Result<u64, Error> {
    ipc.invoke(vcpu, extension::VCPU_READ_REGISTERS, &[id], &[])
        .map(|reply| reply.message[0])
}

/// `VCpuWriteRegisters` of alternating identifications and values, at most 50 pairs.
pub fn vcpu_write_registers(ipc: &Ipc, vcpu: u64, pairs: &[u64]) -> Done {
    done(ipc, vcpu, extension::VCPU_WRITE_REGISTERS, pairs, &[])
}
