//! A disk that can lose power, and volumes on it.

#![expect(dead_code, reason = "each test uses a part of this module")]

pub(crate) mod disk;
pub(crate) mod random;

use argon2::Block as MemoryBlock;
use disk_crypto_core::BLOCK_SIZE;
use disk_crypto_core::error::OpenError;
use disk_crypto_core::key_slot::Cost;
use disk_crypto_core::tasks::block_on;
use disk_crypto_core::unlock::{self, Locked, NewPassphrase, Unlocked};
use disk_crypto_core::volume::{Opened, Randomness, Volume};

use disk::Disk;

pub(crate) const PASSPHRASE: &[u8] = b"open sesame";
/// As cheap as Argon2 can be: the tests open thousands of volumes.
pub(crate) const CHEAP: Cost = Cost {
    memory_kib: 8,
    passes: 1,
    lanes: 1,
};

/// Memory for [`CHEAP`].
pub(crate) fn memory() -> Vec<MemoryBlock> {
    vec![MemoryBlock::default(); 8]
}

/// A new volume that fills `disk`.
pub(crate) fn create(disk: &Disk) {
    let passphrase = NewPassphrase {
        passphrase: PASSPHRASE,
        cost: CHEAP,
        memory: &mut memory(),
    };
    block_on(unlock::create(
        disk,
        passphrase,
        &mut Randomness::new([1; 32]),
    ))
    .expect("the disk is large enough");
    disk.settle();
}

pub(crate) fn unlock(disk: &Disk) -> Result<Unlocked, OpenError> {
    block_on(Locked::read(disk))?.unlock(PASSPHRASE, &mut memory())
}

/// Opens the volume on `disk` with room for `cache_nodes` nodes.
pub(crate) fn open_with_cache(
    disk: &Disk,
    cache_nodes: usize,
) -> Result<(Volume<&Disk>, Opened), OpenError> {
    // A real system has a fresh seed at each start; here the disk counts its starts.
    let randomness = Randomness::new(disk.next_seed());
    block_on(Volume::open(disk, unlock(disk)?, cache_nodes, randomness))
}

pub(crate) fn open(disk: &Disk) -> Result<Volume<&Disk>, OpenError> {
    open_with_cache(disk, 2048).map(|(volume, _)| volume)
}

/// What version `version` of a block holds; version 0 is a block that was never written.
pub(crate) fn content(block: u64, version: u64) -> [u8; BLOCK_SIZE] {
    let mut data = [0; BLOCK_SIZE];
    if version > 0 {
        for (index, chunk) in data.chunks_exact_mut(16).enumerate() {
            chunk[..8].copy_from_slice(&(block + index as u64).to_le_bytes());
            chunk[8..].copy_from_slice(&version.to_le_bytes());
        }
    }
    data
}

/// The version that `data` is, if it is one of this block.
pub(crate) fn version_of(block: u64, data: &[u8; BLOCK_SIZE]) -> Option<u64> {
    let bytes = data[8..16].try_into().expect("eight bytes");
    let version = u64::from_le_bytes(bytes);
    (*data == content(block, version)).then_some(version)
}
