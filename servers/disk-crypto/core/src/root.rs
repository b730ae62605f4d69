//! The root record: which tree and which log are the current ones.
//!
//! It is written at every commit, to both its places one after the other. Of two
//! genuine copies the one with the higher generation, or in the same generation the longer log, is the newer.

use blake2::Blake2s256;
use blake2::digest::Digest;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::BLOCK_SIZE;
use crate::entry::{Entry, Nonce, Tag};
use crate::keys::{Keys, Randomness, Subject};

const MAGIC: [u8; 8] = *b"SKSHROT\0";

/// What counts as the volume's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    /// Counts checkpoints. A log belongs to one generation.
    pub(crate) generation: u64,
    /// Records of the log that count.
    pub(crate) log_length: u32,
    /// The last record's tag, or zeroes.
    pub(crate) log_tail: Tag,
    /// The top node of the tree.
    pub(crate) tree: Entry,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawRoot {
    magic: [u8; 8],
    generation: U64,
    log_length: U32,
    reserved: U32,
    nonce: Nonce,
    tag: Tag,
    sealed: Sealed,
    checksum: [u8; 32],
    unused: [u8; BLOCK_SIZE - 160],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Sealed {
    log_tail: Tag,
    tree: Entry,
    reserved: [u8; 6],
}

const _: () = assert!(size_of::<RawRoot>() == BLOCK_SIZE);

/// The part of a root record that can be read without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootSummary {
    /// Counts checkpoints.
    pub generation: u64,
    /// Records of the log that count.
    pub log_length: u32,
}

impl RootSummary {
    /// What a copy says, if it is not damaged.
    pub fn decode(block: &[u8; BLOCK_SIZE]) -> Option<Self> {
        let raw: &RawRoot = zerocopy::transmute_ref!(block);
        let intact = raw.magic == MAGIC && raw.checksum == raw.computed_checksum();
        intact.then(|| Self {
            generation: raw.generation.get(),
            log_length: raw.log_length.get(),
        })
    }
}

impl RawRoot {
    fn computed_checksum(&self) -> [u8; 32] {
        Blake2s256::new()
            .chain_update(self.magic)
            .chain_update(self.generation.as_bytes())
            .chain_update(self.log_length.as_bytes())
            .chain_update(self.nonce)
            .chain_update(self.tag)
            .chain_update(self.sealed.as_bytes())
            .finalize()
            .into()
    }
}

impl Root {
    /// Of a volume in which nothing was written yet.
    pub(crate) const NEW: Self = Self {
        generation: 1,
        log_length: 0,
        log_tail: [0; 16],
        tree: Entry::NEVER,
    };

    /// Whether this record is newer than `other`.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        (self.generation, self.log_length) > (other.generation, other.log_length)
    }

    pub(crate) fn encode(&self, keys: &Keys, randomness: &mut Randomness) -> [u8; BLOCK_SIZE] {
        let mut raw = RawRoot::new_zeroed();
        raw.magic = MAGIC;
        raw.generation = self.generation.into();
        raw.log_length = self.log_length.into();
        raw.nonce = randomness.bytes();
        raw.sealed.log_tail = self.log_tail;
        raw.sealed.tree = self.tree;
        raw.tag = keys.seal(self.subject(), &raw.nonce, raw.sealed.as_mut_bytes());
        raw.checksum = raw.computed_checksum();
        zerocopy::transmute!(raw)
    }

    /// Reads a copy, if it is genuine.
    pub(crate) fn decode(block: &[u8; BLOCK_SIZE], keys: &Keys) -> Option<Self> {
        let summary = RootSummary::decode(block)?;
        let mut raw: RawRoot = zerocopy::transmute!(*block);
        let subject = Subject::Root {
            generation: summary.generation,
            log_length: summary.log_length,
        };
        keys.open(subject, &raw.nonce, &raw.tag, raw.sealed.as_mut_bytes())
            .ok()?;
        Some(Self {
            generation: summary.generation,
            log_length: summary.log_length,
            log_tail: raw.sealed.log_tail,
            tree: raw.sealed.tree,
        })
    }

    fn subject(&self) -> Subject {
        Subject::Root {
            generation: self.generation,
            log_length: self.log_length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::MasterKey;

    #[test]
    fn records_survive_the_disk_and_no_byte_can_be_changed() {
        let keys = Keys::derive(&MasterKey([1; 32]), [2; 16], 3);
        let root = Root {
            generation: 4,
            log_length: 5,
            log_tail: [6; 16],
            tree: Entry::new(7, [8; 24], [9; 16]),
        };
        let block = root.encode(&keys, &mut Randomness::new([0; 32]));
        assert_eq!(Root::decode(&block, &keys), Some(root));
        for position in 0..BLOCK_SIZE {
            let mut damaged = block;
            damaged[position] ^= 1;
            let read = Root::decode(&damaged, &keys);
            // Bytes that mean nothing may change; those that do must not.
            assert!(read.is_none() || read == Some(root), "byte {position}");
        }
        for position in 0..20 {
            let mut forged = block;
            forged[position] ^= 1;
            let raw: &mut RawRoot = zerocopy::transmute_mut!(&mut forged);
            raw.checksum = raw.computed_checksum();
            assert_eq!(Root::decode(&forged, &keys), None, "byte {position}");
        }
    }

    #[test]
    fn generation_then_log_decide_which_is_newer() {
        let root = |generation, log_length| Root {
            generation,
            log_length,
            ..Root::NEW
        };
        assert!(root(2, 0).is_newer_than(&root(1, 9)));
        assert!(root(2, 3).is_newer_than(&root(2, 2)));
        assert!(!root(2, 3).is_newer_than(&root(2, 3)));
    }
}
