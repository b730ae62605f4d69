//! A volume whose disk the fuzzer changes, mixes up and puts back in parts: opening and reading it may be refused,
//! and what is read all comes from one moment of the volume's history.

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

/// What the disk held after a flush, and what the volume's blocks were then full of.
struct Moment {
    bytes: Vec<u8>,
    contents: [u8; BLOCKS as usize],
}

/// A history with changes that are in the tree and changes that are in the log.
fn history() -> &'static Vec<Moment> {
    static HISTORY: OnceLock<Vec<Moment>> = OnceLock::new();
    HISTORY.get_or_init(|| {
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
        let mut contents = [0; BLOCKS as usize];
        let mut history = Vec::new();
        for round in 0..270u64 {
            let block = round * 7 % BLOCKS;
            let value = u8::try_from(round % 251).expect("below 256") + 1;
            block_on(volume.write(block, &mut [value; BLOCK_SIZE])).expect("intact");
            block_on(volume.flush()).expect("intact");
            contents[usize::try_from(block).expect("few blocks")] = value;
            if round % 50 == 49 || round > 265 {
                let bytes = disk.0.borrow().clone();
                history.push(Moment { bytes, contents });
            }
        }
        history
    })
}

/// What is done, to which block, with which block of which moment or which byte.
type Change = (u8, u16, u16, u8);

fn apply(bytes: &mut [u8], (kind, block, other, value): Change) {
    let blocks = bytes.len() / BLOCK_SIZE;
    let (block, other) = (usize::from(block) % blocks, usize::from(other));
    let place = block * BLOCK_SIZE;
    let moment = &history()[usize::from(value) % history().len()].bytes;
    match kind % 4 {
        0 => bytes[place + other % BLOCK_SIZE] ^= value,
        1 => {
            let from = other % blocks * BLOCK_SIZE;
            bytes[place..place + BLOCK_SIZE].copy_from_slice(&moment[from..from + BLOCK_SIZE]);
        }
        2 => bytes[place..place + BLOCK_SIZE].copy_from_slice(&moment[place..place + BLOCK_SIZE]),
        // A stretch, as long as the log at most.
        _ => {
            let end = (place + other % 256 * BLOCK_SIZE).min(bytes.len());
            bytes[place..end].copy_from_slice(&moment[place..end]);
        }
    }
}

fuzz_target!(|changes: Vec<Change>| {
    let mut bytes = history()[history().len() - 1].bytes.clone();
    for change in changes {
        apply(&mut bytes, change);
    }
    let disk = Disk(RefCell::new(bytes));
    let Some(volume) = open(&disk) else { return };
    let mut read = [None; BLOCKS as usize];
    for (block, value) in (0..).zip(&mut read) {
        let mut data = vec![0; BLOCK_SIZE];
        if block_on(volume.read(block, &mut data)).is_ok() {
            assert!(data.iter().all(|&byte| byte == data[0]));
            *value = Some(data[0]);
        }
    }
    let is_from = |moment: &Moment| {
        let mut pairs = read.iter().zip(moment.contents);
        pairs.all(|(read, content)| read.is_none_or(|read| read == content))
    };
    assert!(
        history().iter().any(is_from),
        "a mixture of moments: {read:?}"
    );
});
