//! The guest's kernel and initial RAM disk: read-only regions of the boot archive.

use runtime::{
    Component,
    shared_memory::{OpenError, RegionReader},
};
use vmm_partition_core::boot::Image;

/// A file of the boot archive.
pub(crate) struct File(RegionReader);

impl File {
    /// The file that the manifest maps as region `name`.
    pub(crate) fn open(component: &Component, name: &str) -> Result<Self, OpenError> {
        component.memory.reader(name).map(Self)
    }
}

impl Image for File {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let there = self.0.len().saturating_sub(start).min(buffer.len());
        let (part, behind) = buffer.split_at_mut(there);
        // The part is inside the region: nothing is refused.
        let _ = self.0.read_at(start, part);
        behind.fill(0);
    }
}
