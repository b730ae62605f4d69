//! A volume whose disk the fuzzer rewrites: opening and reading it may be refused, and never yields
//! anything but what was written.

#![no_main]

use std::cell::RefCell;
use std::sync::OnceLock;

use argon2::Block as MemoryBlock;
use disk_crypto_core::key_slot::Cost;
use disk_crypto_core::layout::Layout;
use disk_crypto_core::tasks::block_on;
use disk_crypto_core::unlock::{self, Locked, NewPassphrase};
use disk_crypto_core::volume::{Randomness, Volume};
use disk_crypto_core::{BLOCK_SIZE, BlockDevice, DeviceError};
use libfuzzer_sys::fuzz_target;

const BLOCKS: u64 = 20;
const CHEAP: Cost = Cost {
    memory_kib: 8,
    passes: 1,
    lanes: 1,
};
const PASSPHRASE: &[u8] = b"open sesame";

struct Disk(RefCell<Vec<u8>>);

impl Disk {
    fn range(first: u64, length: usize) -> std::ops::Range<usize> {
        let start = usize::try_from(first).expect("a small disk") * BLOCK_SIZE;
        start..start + length
    }
}

impl BlockDevice for &Disk {
    fn block_count(&self) -> u64 {
        (self.0.borrow().len() / BLOCK_SIZE) as u64
    }

    async fn read(&self, first: u64, data: &mut [u8]) -> Result<(), DeviceError> {
        data.copy_from_slice(&self.0.borrow()[Disk::range(first, data.len())]);
        Ok(())
    }

    async fn write(&self, first: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.0.borrow_mut()[Disk::range(first, data.len())].copy_from_slice(data);
        Ok(())
    }

    async fn flush(&self) -> Result<(), DeviceError> {
        Ok(())
    }
}

fn open(disk: &Disk) -> Option<Volume<&Disk>> {
    let mut memory = vec![MemoryBlock::default(); 8];
    let locked = block_on(Locked::read(&disk)).ok()?;
    let unlocked = locked.unlock(PASSPHRASE, &mut memory).ok()?;
    let opening = Volume::open(disk, unlocked, 64, Randomness::new([3; 32]));
    block_on(opening).ok().map(|(volume, _)| volume)
}

/// A disk with a volume whose block n is full of n + 1, partly in the tree and partly in the log.
fn image() -> &'static Vec<u8> {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let size = Layout::smallest(BLOCKS)
            .expect("a legal size")
            .device_blocks();
        let size = usize::try_from(size).expect("a small disk");
        let disk = Disk(RefCell::new(vec![0; size * BLOCK_SIZE]));
        let passphrase = NewPassphrase {
            passphrase: PASSPHRASE,
            cost: CHEAP,
            memory: &mut vec![MemoryBlock::default(); 8],
        };
        block_on(unlock::create(
            &&disk,
            passphrase,
            &mut Randomness::new([1; 32]),
        ))
        .expect("it is large enough");
        let volume = open(&disk).expect("just created");
        for round in 0..270 {
            let block = round % BLOCKS;
            let mut data = vec![u8::try_from(block + 1).expect("few blocks"); BLOCK_SIZE];
            block_on(volume.write(block, &mut data)).expect("intact");
            block_on(volume.flush()).expect("intact");
        }
        drop(volume);
        disk.0.into_inner()
    })
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = image().clone();
    // Each change: three bytes of place, one of what to flip.
    for change in data.chunks_exact(4) {
        let place = u32::from_le_bytes([change[0], change[1], change[2], 0]) as usize;
        let length = bytes.len();
        bytes[place % length] ^= change[3];
    }
    let disk = Disk(RefCell::new(bytes));
    let Some(volume) = open(&disk) else { return };
    for block in 0..BLOCKS {
        let mut data = vec![0; BLOCK_SIZE];
        if block_on(volume.read(block, &mut data)).is_ok() {
            let expected = u8::try_from(block + 1).expect("few blocks");
            assert!(data.iter().all(|&byte| byte == expected));
        }
    }
});
