//! The CPU's first state: 64-bit mode, first 4 GiB mapped to themselves, interrupts off.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use sel4_sys::extension::register;

use super::error::BootError;
use crate::{
    guest_memory::{GuestAddress, GuestMemory, OutsideMemory},
    layout::{BOOT_GDT, BOOT_PAGE_TABLES, BOOT_PARAMETERS},
    vcpu::{Refused, VirtualCpu, general::RSI},
};

/// Present, writable.
const TABLE: u64 = 0x3;
/// Present, writable, 2 MiB.
const LARGE_PAGE: u64 = 0x83;
const PAGE_BYTES: u64 = 0x1000;
const LARGE_PAGE_BYTES: u64 = 0x20_0000;
const GIB: u64 = 1 << 30;

/// Protection, extension type, numeric errors, write protection, paging.
const CR0: u64 = 1 | 1 << 4 | 1 << 5 | 1 << 16 | 1 << 31;
/// Physical address extension.
const CR4: u64 = 1 << 5;
/// Long mode, enabled and active.
const EFER: u64 = 1 << 8 | 1 << 10;

/// Selector of the boot protocol's code segment.
const CODE_SELECTOR: u64 = 0x10;
/// Selector of its data segment.
const DATA_SELECTOR: u64 = 0x18;
/// Attributes: present, code, readable, accessed; long; 4 KiB granularity.
const CODE_ATTRIBUTES: u64 = 0xa9b;
/// Attributes: present, data, writable, accessed; 32-bit; 4 KiB granularity.
const DATA_ATTRIBUTES: u64 = 0xc93;
/// Attributes: present, busy task segment.
const TASK_ATTRIBUTES: u64 = 0x8b;
/// Attributes: present, local descriptor table.
const LOCAL_TABLE_ATTRIBUTES: u64 = 0x82;
/// Descriptors of the same segments.
const DESCRIPTORS: [u64; 4] = [0, 0, 0x00af_9b00_0000_ffff, 0x00cf_9300_0000_ffff];

/// Writes page tables and descriptors.
pub(super) fn write_tables(memory: &impl GuestMemory) -> Result<(), OutsideMemory> {
    let level = |index: u64| GuestAddress(BOOT_PAGE_TABLES.0 + index * PAGE_BYTES);
    let write = |address: GuestAddress, value: u64| memory.write(address, &value.to_le_bytes());
    write(level(0), level(1).0 | TABLE)?;
    for gib in 0..4 {
        let table = level(2 + gib);
        write(GuestAddress(level(1).0 + gib * 8), table.0 | TABLE)?;
        for index in 0..512 {
            let page = gib * GIB + index * LARGE_PAGE_BYTES;
            write(GuestAddress(table.0 + index * 8), page | LARGE_PAGE)?;
        }
    }
    for (index, descriptor) in (0..).zip(DESCRIPTORS) {
        write(GuestAddress(BOOT_GDT.0 + index * 8), descriptor)?;
    }
    Ok(())
}

/// Registers that the boot protocol does not name, as after a processor's reset (AMD64 manual 2, table 14-1). The guest
/// that this CPU ran before may have left anything in them.
const AFTER_RESET: [(RangeInclusive<u64>, u64); 11] = [
    (register::GENERAL..=register::GENERAL + 15, 0),
    (register::CR2..=register::CR2, 0),
    (register::CR8..=register::CR8, 0),
    (register::DR6..=register::DR6, 0xffff_0ff0),
    (register::DR7..=register::DR7, 0x400),
    (register::DR0..=register::DR0 + 3, 0),
    (register::FS_BASE..=register::TR_BASE, 0),
    (register::KERNEL_GS_BASE..=register::SYSENTER_EIP, 0),
    (register::PAT..=register::PAT, 0x0007_0406_0007_0406),
    (register::TSC_OFFSET..=register::TSC_AUX, 0),
    (register::XCR0..=register::XCR0, 1),
];

/// Sets all registers for an entry at `entry`.
pub(super) fn write_registers(vcpu: &mut impl VirtualCpu, entry: u64) -> Result<(), BootError> {
    let mut pairs = Vec::new();
    for (registers, value) in AFTER_RESET {
        pairs.extend(registers.flat_map(|register| [register, value]));
    }
    let refused = |refused: Refused| BootError::CpuRefused { error: refused.0 };
    vcpu.write_registers(&pairs).map_err(refused)?;
    let segment = |selector, attributes, limit: u64| selector | (attributes << 16) | (limit << 32);
    let code = segment(CODE_SELECTOR, CODE_ATTRIBUTES, 0xffff_ffff);
    let data = segment(DATA_SELECTOR, DATA_ATTRIBUTES, 0xffff_ffff);
    let pairs = [
        [register::EFER, EFER],
        [register::CR3, BOOT_PAGE_TABLES.0],
        [register::CR4, CR4],
        [register::CR0, CR0],
        [register::CS, code],
        [register::SS, data],
        [register::DS, data],
        [register::ES, data],
        [register::FS, data],
        [register::GS, data],
        [register::CS_BASE, 0],
        [register::SS_BASE, 0],
        [register::DS_BASE, 0],
        [register::ES_BASE, 0],
        [register::TR, segment(0, TASK_ATTRIBUTES, 0xffff)],
        [register::LDTR, segment(0, LOCAL_TABLE_ATTRIBUTES, 0xffff)],
        [register::GDTR_BASE, BOOT_GDT.0],
        [register::GDTR_LIMIT, DESCRIPTORS.len() as u64 * 8 - 1],
        [register::IDTR_BASE, 0],
        [register::IDTR_LIMIT, 0],
        [register::RFLAGS, 2],
        [register::GENERAL + RSI as u64, BOOT_PARAMETERS.0],
        [register::RIP, entry],
    ];
    vcpu.write_registers(pairs.as_flattened()).map_err(refused)
}
