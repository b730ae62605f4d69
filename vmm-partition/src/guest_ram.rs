//! The guest's RAM as this process sees it.

use runtime::shared_memory::{AccessError, RegionWriter};
use vmm_partition_core::{GuestAddress, GuestMemory, OutsideMemory};

/// The region `guest.ram`, whose first byte is guest-physical address 0.
#[derive(Clone, Copy)]
pub(crate) struct GuestRam(pub(crate) RegionWriter);

impl GuestRam {
    /// Makes all of it zero.
    pub(crate) fn erase(&self) -> Result<(), AccessError> {
        self.0.fill_at(0, self.0.len(), 0)
    }
}

/// The place of an address in the region; one that is not in the region is refused by the region.
pub(crate) fn place(address: GuestAddress) -> usize {
    usize::try_from(address.0).unwrap_or(usize::MAX)
}

impl GuestMemory for GuestRam {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    #[inline]
    fn read(&self, address: GuestAddress, buffer: &mut [u8]) -> Result<(), OutsideMemory> {
        self.0
            .read_at(place(address), buffer)
            .map_err(|_| OutsideMemory)
    }

    #[inline]
    fn write(&self, address: GuestAddress, bytes: &[u8]) -> Result<(), OutsideMemory> {
        self.0
            .write_at(place(address), bytes)
            .map_err(|_| OutsideMemory)
    }

    #[inline]
    fn read_u16(&self, address: GuestAddress) -> Result<u16, OutsideMemory> {
        self.0
            .read_u16_at(place(address))
            .map_err(|_| OutsideMemory)
    }

    #[inline]
    fn read_u64(&self, address: GuestAddress) -> Result<u64, OutsideMemory> {
        self.0
            .read_u64_at(place(address))
            .map_err(|_| OutsideMemory)
    }
}
