//! Memory as untyped capabilities: ranges cut into aligned powers of two.

use sel4_sys::object::{UNTYPED_BITS_MAX, UNTYPED_BITS_MIN};

use super::Region;
use crate::PhysicalAddress;
use crate::capability::Untyped;

/// The pieces of a range, from its start on; less than the smallest untyped size at either end is lost.
pub(super) fn pieces(region: Region, device: bool) -> impl Iterator<Item = Untyped> {
    let smallest = 1u64 << UNTYPED_BITS_MIN;
    let end = region.end.0 & !(smallest - 1);
    let mut next = region.start.0.next_multiple_of(smallest);
    core::iter::from_fn(move || {
        if next >= end {
            return None;
        }
        let alignment = u64::from(next.trailing_zeros());
        let fitting = u64::from((end - next).ilog2());
        let bits = alignment.min(fitting).min(UNTYPED_BITS_MAX);
        let start = PhysicalAddress(next);
        next += 1 << bits;
        Some(Untyped::new(start, (bits & 63) as u8, device))
    })
}
