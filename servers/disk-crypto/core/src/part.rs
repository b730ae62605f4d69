//! Which of a volume's blocks a client reaches: the guest's, or the key store behind them.

use crate::error::Error;

/// Blocks of a key store.
pub const KEY_STORE_BLOCKS: u64 = 16;

/// The last of them is not the host's, but belongs to who reads the key store: the only one that it may write.
pub const OWN_BLOCKS: u64 = 1;

/// A run of a volume's blocks, numbered from 0 for who uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    first: u64,
    block_count: u64,
    /// Who uses it may write from this one on.
    first_writable: u64,
}

/// The parts of a volume. They do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The guest's disk.
    pub guest: Part,
    /// What components beside the guest keep: the last blocks, none in volumes of format version 2.
    pub key_store: Part,
}

impl Part {
    /// Blocks of this part.
    pub fn block_count(&self) -> u64 {
        self.block_count
    }

    /// The number that block `first` of this part has in the volume, if `blocks` blocks from there on lie in it.
    pub fn place(&self, first: u64, blocks: usize) -> Result<u64, Error> {
        let blocks = u64::try_from(blocks).map_err(|_| Error::OutOfRange)?;
        match first.checked_add(blocks) {
            Some(end) if end <= self.block_count => Ok(self.first + first),
            _ => Err(Error::OutOfRange),
        }
    }

    /// The same, if its user may write them.
    pub fn place_to_write(&self, first: u64, blocks: usize) -> Result<u64, Error> {
        if first < self.first_writable {
            return Err(Error::OutOfRange);
        }
        self.place(first, blocks)
    }
}

impl Parts {
    /// A volume of `block_count` blocks whose last `key_store_blocks` are the key store: none, or
    /// [`KEY_STORE_BLOCKS`]. The guest keeps at least one.
    pub(crate) fn new(block_count: u64, key_store_blocks: u64) -> Option<Self> {
        if ![0, KEY_STORE_BLOCKS].contains(&key_store_blocks) || key_store_blocks >= block_count {
            return None;
        }
        let guest_blocks = block_count - key_store_blocks;
        Some(Self {
            guest: Part {
                first: 0,
                block_count: guest_blocks,
                first_writable: 0,
            },
            key_store: Part {
                first: guest_blocks,
                block_count: key_store_blocks,
                first_writable: key_store_blocks.saturating_sub(OWN_BLOCKS),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_key_store_leaves_the_guest_something() {
        assert_eq!(Parts::new(16, 16), None);
        assert_eq!(Parts::new(100, 15), None);
        assert_eq!(Parts::new(0, 0), None);
        let parts = Parts::new(17, 16).expect("one block is left");
        assert_eq!(parts.guest.block_count(), 1);
        assert_eq!(parts.key_store.place(0, 16), Ok(1));
    }

    proptest! {
        #[test]
        fn no_part_reaches_beyond_itself(
            block_count in 17u64..1000,
            with_key_store: bool,
            first in prop_oneof![0u64..1100, u64::MAX - 100..=u64::MAX],
            blocks in 1usize..40,
        ) {
            let key_store_blocks = if with_key_store { KEY_STORE_BLOCKS } else { 0 };
            let parts = Parts::new(block_count, key_store_blocks).expect("it is legal");
            let border = block_count - key_store_blocks;
            let end = |place: u64| place + u64::try_from(blocks).expect("they are few");
            if let Ok(place) = parts.guest.place(first, blocks) {
                prop_assert!(end(place) <= border);
            }
            if let Ok(place) = parts.key_store.place(first, blocks) {
                prop_assert!(place >= border && end(place) <= block_count);
            }
            prop_assert_eq!(
                parts.guest.place_to_write(first, blocks),
                parts.guest.place(first, blocks)
            );
            let is_own = with_key_store && (first, blocks) == (15, 1);
            let expected = if is_own { Ok(block_count - 1) } else { Err(Error::OutOfRange) };
            prop_assert_eq!(parts.key_store.place_to_write(first, blocks), expected);
        }
    }
}
