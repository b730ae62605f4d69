//! Memory that the kernel takes for itself and for the root server's image before the rest is given away.

use kernel_core::{PhysicalAddress, Region};

use super::regions::{RegionList, region};
use crate::memory_layout::{DIRECT_MAP, count};

/// Memory that nobody uses.
pub(super) struct BootMemory {
    free: RegionList,
}

impl BootMemory {
    /// # Safety
    /// Nobody uses the memory, and it is mapped at the direct map where it is taken.
    pub(super) unsafe fn new(free: RegionList) -> Self {
        Self { free }
    }

    /// Takes the lowest free memory of that size and alignment, filled with zeroes.
    pub(super) fn take_zeroed(&mut self, bytes: u64, alignment: u64) -> PhysicalAddress {
        let taken = self.take(bytes, alignment);
        let start = (DIRECT_MAP + taken.start.0) as *mut u8;
        // SAFETY: the memory was free, so nobody has a reference to it, and it is mapped.
        unsafe { start.write_bytes(0, count(taken.end.0 - taken.start.0)) };
        taken.start
    }

    fn take(&mut self, bytes: u64, alignment: u64) -> Region {
        let found = self.free.as_slice().iter().find_map(|part| {
            let start = part.start.0.checked_next_multiple_of(alignment)?;
            let end = start.checked_add(bytes)?;
            (end <= part.end.0).then(|| region(start, end))
        });
        let Some(found) = found else {
            panic!("{bytes} bytes of memory are needed, and not there")
        };
        self.free.subtract(found);
        found
    }

    /// Gives memory back.
    ///
    /// # Safety
    /// As for `new`.
    pub(super) unsafe fn add(&mut self, region: Region) {
        self.free.add(region);
    }

    /// Takes a particular piece; `false` if not all of it is free.
    pub(super) fn reserve(&mut self, part: Region) -> bool {
        let is_free = self.free.contains(part);
        if is_free {
            self.free.subtract(part);
        }
        is_free
    }

    /// What is left.
    pub(super) fn free(&self) -> &RegionList {
        &self.free
    }
}
