//! One untyped capability, with how much of it is used.

use crate::WorkingSlot;

/// Memory that objects can be made of.
///
/// The kernel makes objects from the start on, each at the next multiple of its size; so what is
/// free is always the rest behind what was made last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untyped {
    /// The capability.
    pub slot: WorkingSlot,
    /// Physical address.
    pub physical: u64,
    /// Logarithm of the bytes.
    pub size_bits: u8,
    /// Bytes used from the start on.
    pub used: u64,
}

impl Untyped {
    /// Bytes of the whole.
    pub(crate) fn size(&self) -> u64 {
        1u64.checked_shl(u32::from(self.size_bits)).unwrap_or(0)
    }

    /// Offset at which the kernel would make the next object of 2^`bits` bytes.
    pub(crate) fn next_offset(&self, bits: u8) -> u64 {
        // Untypeds are aligned to their size, so an offset is as aligned as its address, for
        // objects that fit at all.
        self.used.next_multiple_of(1 << bits)
    }

    /// How many objects of 2^`bits` bytes still fit.
    pub(crate) fn room(&self, bits: u8) -> u64 {
        self.size().saturating_sub(self.next_offset(bits)) >> bits
    }

    /// Notes that `count` objects of 2^`bits` bytes were made; answers the physical address of the first.
    pub(crate) fn note(&mut self, bits: u8, count: u32) -> u64 {
        let offset = self.next_offset(bits);
        self.used = offset + (u64::from(count) << bits);
        self.physical + offset
    }

    /// Whether the byte at `physical` lies in it.
    pub(crate) fn covers(&self, physical: u64) -> bool {
        physical
            .checked_sub(self.physical)
            .is_some_and(|offset| offset < self.size())
    }
}
