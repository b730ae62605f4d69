//! Reading the first 4 GiB of physical memory while the early page tables map them.

use crate::memory_layout::DIRECT_MAP;

/// Physical addresses below this are mapped by the early page tables.
const EARLY_LIMIT: u64 = 4 << 30;

/// The right to read low physical memory: it exists while the early page tables are active.
pub(super) struct EarlyMemory(());

impl EarlyMemory {
    /// # Safety
    /// The early page tables are active while the value exists, and nobody writes memory that is
    /// read through it.
    pub(super) unsafe fn new() -> Self {
        Self(())
    }

    /// The bytes at a physical address; `None` if they do not lie below 4 GiB.
    pub(super) fn bytes(&self, start: u64, count: u64) -> Option<&[u8]> {
        let end = start.checked_add(count)?;
        if end > EARLY_LIMIT {
            return None;
        }
        let count = usize::try_from(count).ok()?;
        // SAFETY: the early tables map all of [0, 4 GiB) at the start of the direct map, and `new`'s
        // caller promised that they are active and that nobody writes what is read. Any bytes are
        // valid as bytes.
        Some(unsafe { core::slice::from_raw_parts((DIRECT_MAP + start) as *const u8, count) })
    }
}
