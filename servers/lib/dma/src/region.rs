//! A stretch of memory at a known physical address.

use core::{fmt, ops::Deref};

use shared_memory::{Memory, OpenError, RegionWriter};

/// Memory that a device reaches; it reads and writes like a [`RegionWriter`].
#[derive(Clone, Copy, Debug)]
pub struct DmaRegion {
    memory: RegionWriter,
    address: u64,
}

/// Why memory cannot be had for a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DmaError {
    /// The region cannot be opened.
    Closed(OpenError),
    /// The manifest does not let a device reach the region.
    NoAddress,
    /// The region has less space left than is asked for.
    Exhausted,
}

impl DmaRegion {
    /// Opens the region that the manifest calls `name`.
    ///
    /// # Errors
    ///
    /// It cannot be opened for writing, or has no physical address.
    pub fn open(memory: &Memory, name: &str) -> Result<Self, DmaError> {
        Self::new(memory.writer(name).map_err(DmaError::Closed)?)
    }

    /// The region `memory`, which a device reaches.
    ///
    /// # Errors
    ///
    /// It has no physical address.
    pub fn new(memory: RegionWriter) -> Result<Self, DmaError> {
        let address = memory.physical_address(0).ok_or(DmaError::NoAddress)?;
        Ok(Self { memory, address })
    }

    /// Where the device finds the first byte.
    #[must_use]
    pub const fn device_address(&self) -> u64 {
        self.address
    }

    /// Cuts `length` bytes off the front, at a physical address that is a multiple of `alignment`.
    ///
    /// # Errors
    ///
    /// There is not enough space left; nothing was cut off. An alignment of 0 is never met.
    pub fn take(&mut self, length: usize, alignment: u64) -> Result<Self, DmaError> {
        let aligned = self.address.checked_next_multiple_of(alignment.max(1));
        let skipped = aligned
            .filter(|_| alignment > 0)
            .and_then(|aligned| usize::try_from(aligned - self.address).ok())
            .ok_or(DmaError::Exhausted)?;
        let taken = self.part(skipped, length)?;
        let behind = skipped + length;
        *self = self.part(behind, self.memory.len() - behind)?;
        Ok(taken)
    }

    /// The part of `length` bytes from `offset`.
    ///
    /// # Errors
    ///
    /// The part is not inside the region.
    pub fn part(&self, offset: usize, length: usize) -> Result<Self, DmaError> {
        let part = self.memory.part(offset, length);
        Self::new(part.map_err(|_| DmaError::Exhausted)?)
    }
}

impl Deref for DmaRegion {
    type Target = RegionWriter;

    fn deref(&self) -> &RegionWriter {
        &self.memory
    }
}

impl fmt::Display for DmaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(error) => error.fmt(f),
            Self::NoAddress => f.write_str("a region for a device has no physical address"),
            Self::Exhausted => f.write_str("a region for a device is too small"),
        }
    }
}

impl core::error::Error for DmaError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_aligned_and_disjoint() {
        let memory = RegionWriter::simulated(0x3000, Some(0x10_0800));
        let mut rest = DmaRegion::new(memory).expect("it has an address");
        let first = rest.take(100, 16).expect("there is room");
        let second = rest.take(4096, 4096).expect("there is room");
        assert_eq!(first.device_address(), 0x10_0800);
        assert_eq!(second.device_address(), 0x10_1000);
        assert_eq!((first.len(), second.len()), (100, 4096));
        second.write_at(0, b"x").expect("inside");
        assert_eq!(memory.read_u8_at(0x800), Ok(b'x'));
        assert_eq!(rest.take(0x1801, 1).err(), Some(DmaError::Exhausted));
        assert_eq!(rest.take(8, 0).err(), Some(DmaError::Exhausted));
        assert!(rest.take(0x1800, 1).is_ok());
        assert!(rest.is_empty());
    }

    #[test]
    fn memory_without_address_is_refused() {
        let memory = RegionWriter::simulated(64, None);
        assert_eq!(DmaRegion::new(memory).err(), Some(DmaError::NoAddress));
    }
}
