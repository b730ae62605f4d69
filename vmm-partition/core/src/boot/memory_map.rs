//! The memory map that firmware would report (ACPI 6.5, 15).

use crate::layout::{ACPI_START, HIGH_MEMORY, LOW_MEMORY_END};

/// Usable memory.
const USABLE: u32 = 1;
/// Reserved.
const RESERVED: u32 = 2;

/// One range: start, bytes, type.
pub(super) type Range = (u64, u64, u32);

/// The map of a machine with `ram` bytes: memory to 639 KiB, the firmware area, memory from 1 MiB.
pub(super) fn ranges(ram: u64) -> [Range; 4] {
    [
        (0, LOW_MEMORY_END, USABLE),
        (LOW_MEMORY_END, 0xa_0000 - LOW_MEMORY_END, RESERVED),
        (ACPI_START.0, HIGH_MEMORY - ACPI_START.0, RESERVED),
        (HIGH_MEMORY, ram.saturating_sub(HIGH_MEMORY), USABLE),
    ]
}
