//! Records of the log: which blocks changed since the tree on the disk was written.
//!
//! Each record is bound to its generation, its position and the record before it, so the root record's tag of
//! the last one fixes them all.

use alloc::boxed::Box;

use zerocopy::little_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::BLOCK_SIZE;
use crate::entry::{Entry, Nonce, Tag};
use crate::keys::{Forged, Keys, Randomness, Subject};

/// Changes that fit into one record.
pub(crate) const CHANGES_PER_RECORD: usize = 80;

/// A block and its new entry (50 bytes).
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Change {
    pub(crate) block: U64,
    pub(crate) entry: Entry,
}

/// A record as it lies on the disk.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Record {
    nonce: Nonce,
    tag: Tag,
    count: U16,
    reserved: [u8; 6],
    changes: [Change; CHANGES_PER_RECORD],
    unused: [u8; BLOCK_SIZE - 48 - CHANGES_PER_RECORD * 50],
}

const _: () = assert!(size_of::<Record>() == BLOCK_SIZE);

/// Where a record stands in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) generation: u64,
    pub(crate) position: u32,
    /// The tag of the record before, zeroes for the first.
    pub(crate) previous: Tag,
}

impl Place {
    fn subject(&self, count: u16) -> Subject {
        Subject::LogRecord {
            generation: self.generation,
            position: self.position,
            count,
            previous: self.previous,
        }
    }
}

impl Record {
    /// Seals at most [`CHANGES_PER_RECORD`] changes into a block; returns the record's tag.
    pub(crate) fn encode(
        changes: &[(u64, Entry)],
        place: &Place,
        keys: &Keys,
        randomness: &mut Randomness,
        block: &mut [u8; BLOCK_SIZE],
    ) -> Tag {
        block.fill(0);
        let raw: &mut Self = zerocopy::transmute_mut!(block);
        let mut count = 0;
        for (raw, &(block, entry)) in raw.changes.iter_mut().zip(changes) {
            *raw = Change {
                block: block.into(),
                entry,
            };
            count += 1;
        }
        raw.count = count.into();
        raw.nonce = randomness.bytes();
        let sealed = raw.changes[..usize::from(count)].as_mut_bytes();
        raw.tag = keys.seal(place.subject(count), &raw.nonce, sealed);
        raw.tag
    }

    /// Opens what a block holds; returns the record.
    pub(crate) fn decode(
        block: &[u8; BLOCK_SIZE],
        place: &Place,
        keys: &Keys,
    ) -> Result<Box<Self>, Forged> {
        let mut raw: Box<Self> = Box::new(zerocopy::transmute!(*block));
        let count = raw.count.get();
        let Self {
            nonce,
            tag,
            changes,
            ..
        } = &mut *raw;
        let sealed = changes.get_mut(..usize::from(count)).ok_or(Forged)?;
        keys.open(place.subject(count), nonce, tag, sealed.as_mut_bytes())?;
        Ok(raw)
    }

    /// The changes of an opened record.
    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes[..usize::from(self.count.get()).min(CHANGES_PER_RECORD)]
    }

    /// The tag that the next record is bound to.
    pub(crate) fn tag(&self) -> Tag {
        self.tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::MasterKey;
    use proptest::prelude::*;

    const PLACE: Place = Place {
        generation: 1,
        position: 2,
        previous: [3; 16],
    };

    fn keys() -> Keys {
        Keys::derive(&MasterKey([1; 32]), [2; 16], 3)
    }

    #[test]
    fn records_survive_the_disk_at_their_place_only() {
        let changes = [(5, Entry::new(1, [2; 24], [3; 16])), (9, Entry::NEVER)];
        let mut block = [0; BLOCK_SIZE];
        let tag = Record::encode(
            &changes,
            &PLACE,
            &keys(),
            &mut Randomness::new([0; 32]),
            &mut block,
        );
        let record = Record::decode(&block, &PLACE, &keys()).expect("genuine");
        assert_eq!(record.tag(), tag);
        let read = record
            .changes()
            .iter()
            .map(|change| (change.block.get(), change.entry));
        assert!(read.eq(changes));
        let elsewhere = [
            Place {
                generation: 2,
                ..PLACE
            },
            Place {
                position: 3,
                ..PLACE
            },
            Place {
                previous: [4; 16],
                ..PLACE
            },
        ];
        for place in elsewhere {
            assert!(Record::decode(&block, &place, &keys()).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_pass_for_a_record(bytes in proptest::collection::vec(any::<u8>(), BLOCK_SIZE)) {
            let block: [u8; BLOCK_SIZE] = bytes.try_into().expect("the length is right");
            prop_assert!(Record::decode(&block, &PLACE, &keys()).is_err());
        }
    }
}
