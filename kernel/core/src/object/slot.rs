//! A capability slot: the capability and its place in the derivation list.

use core::cell::Cell;

/// A capability slot, 32 bytes: two words of capability and two of derivation links.
#[repr(C, align(32))]
#[derive(Default)]
pub struct Slot {
    pub(crate) capability: [Cell<u64>; 2],
    pub(crate) previous: Cell<u64>,
    /// The next slot's address; the low bits hold the derivation flags.
    pub(crate) next: Cell<u64>,
}

const _: () = assert!(size_of::<Slot>() == 32);
