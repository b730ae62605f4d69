//! Decoded instructions, found again by their bytes.

use super::{
    decode::decode,
    fetch::{Fetched, INSTRUCTION_BYTES},
    form::Form,
};

/// Places of the cache.
const PLACES: usize = 64;

#[derive(Clone, Copy)]
struct Place {
    bytes: [u8; INSTRUCTION_BYTES],
    bitness: u32,
    form: Option<Form>,
}

/// A cache with one place for each value of a hash of the instruction pointer. An entry counts only if the
/// bytes at the instruction pointer are still those that were decoded.
pub(crate) struct Cache {
    places: [Place; PLACES],
}

impl Cache {
    /// An empty cache.
    pub(crate) const fn new() -> Self {
        Self {
            places: [Place {
                bytes: [0; INSTRUCTION_BYTES],
                bitness: 0,
                form: None,
            }; PLACES],
        }
    }

    /// The form of what was fetched at `rip`.
    pub(crate) fn decode(&mut self, rip: u64, fetched: &Fetched, bitness: u32) -> Option<Form> {
        let index = usize::try_from((rip ^ (rip >> 6)) % PLACES as u64).unwrap_or(0);
        let place = self.places.get_mut(index)?;
        if let Some(form) = place.form
            && place.bitness == bitness
            && same(&place.bytes, fetched, form)
        {
            return Some(form);
        }
        let form = decode(fetched, bitness)?;
        *place = Place {
            bytes: fetched.bytes,
            bitness,
            form: Some(form),
        };
        Some(form)
    }
}

/// Whether the bytes of the instruction itself are the same.
fn same(bytes: &[u8; INSTRUCTION_BYTES], fetched: &Fetched, form: Form) -> bool {
    let length = usize::try_from(form.length).unwrap_or(usize::MAX);
    length <= fetched.length && bytes.get(..length) == fetched.bytes.get(..length)
}
