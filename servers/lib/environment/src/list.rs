//! A sequence of entries that is read where it lies.

use core::marker::PhantomData;

use serde::Deserialize;

use crate::DecodeError;

/// Entries of an environment. They were checked once, as a whole, and are decoded again at each use.
#[derive(Clone, Copy, Debug)]
pub struct List<'a, T> {
    bytes: &'a [u8],
    count: u64,
    entry: PhantomData<T>,
}

impl<'a, T: Deserialize<'a>> List<'a, T> {
    /// Takes a list from the front of `bytes`; also answers the bytes behind it.
    pub(crate) fn take(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let (count, mut rest) = take::<u64>(bytes)?;
        let list = Self {
            bytes: rest,
            count,
            entry: PhantomData,
        };
        for _ in 0..count {
            rest = take::<T>(rest)?.1;
        }
        Ok((list, rest))
    }

    /// The entries in their order.
    pub fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        let mut rest = self.bytes;
        (0..self.count).map_while(move |_| {
            let (entry, behind) = take(rest).ok()?;
            rest = behind;
            Some(entry)
        })
    }
}

/// Takes one value from the front of `bytes`; also answers the bytes behind it.
pub(crate) fn take<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), DecodeError> {
    postcard::take_from_bytes(bytes).map_err(|_| DecodeError::Malformed)
}
