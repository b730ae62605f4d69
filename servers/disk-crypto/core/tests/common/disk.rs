//! A disk with a volatile cache: what it may hold after a power cut is any part of what was not flushed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use disk_crypto_core::{BLOCK_SIZE, BlockDevice, DeviceError};

use super::random::Random;

const SECTOR: usize = 512;

type Block = Rc<[u8; BLOCK_SIZE]>;
type Blocks = BTreeMap<u64, Block>;

/// Called after each write that was started and each flush that was finished.
type Observer = Box<dyn Fn(&Disk)>;

pub(crate) struct Disk {
    block_count: Cell<u64>,
    /// What survives a power cut.
    durable: RefCell<Blocks>,
    /// What was written since, in order.
    volatile: RefCell<Vec<(u64, Block)>>,
    /// What a read finds.
    view: RefCell<Blocks>,
    random: Random,
    /// The most turns of the executor that a request takes.
    pub(crate) delay: Cell<u64>,
    /// Requests that still succeed; after that all writes and flushes fail.
    pub(crate) failing_after: Cell<Option<u64>>,
    pub(crate) writes: Cell<u64>,
    pub(crate) reads: Cell<u64>,
    pub(crate) observer: RefCell<Option<Observer>>,
    starts: Cell<u64>,
}

impl Disk {
    pub(crate) fn new(block_count: u64, seed: u64) -> Self {
        Self::with_blocks(block_count, seed, Blocks::new())
    }

    fn with_blocks(block_count: u64, seed: u64, blocks: Blocks) -> Self {
        Self {
            block_count: Cell::new(block_count),
            durable: RefCell::new(blocks.clone()),
            volatile: RefCell::default(),
            view: RefCell::new(blocks),
            random: Random::new(seed),
            delay: Cell::new(0),
            failing_after: Cell::new(None),
            writes: Cell::new(0),
            reads: Cell::new(0),
            observer: RefCell::new(None),
            starts: Cell::new(seed << 32),
        }
    }

    /// A seed that no other start of a volume on any disk of the test has.
    pub(crate) fn next_seed(&self) -> [u8; 32] {
        self.starts.set(self.starts.get() + 1);
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&self.starts.get().to_le_bytes());
        seed[8..16].copy_from_slice(&self.random.next().to_le_bytes());
        seed
    }

    /// What is on the disk after a power cut now; `choice` decides what of the cache survived.
    pub(crate) fn after_power_cut(&self, choice: &mut dyn FnMut() -> bool) -> Self {
        let mut blocks = self.durable.borrow().clone();
        let mut volatile = self.volatile.borrow().clone();
        // Sectors of different writes to the same block may reach the medium in any order.
        for index in (1..volatile.len()).rev() {
            if choice() {
                volatile.swap(index, self.random.index_below(index + 1));
            }
        }
        for (number, new) in volatile {
            let mut block = **blocks
                .entry(number)
                .or_insert_with(|| Rc::new([0; BLOCK_SIZE]));
            for (old, new) in block.chunks_mut(SECTOR).zip(new.chunks(SECTOR)) {
                if choice() {
                    old.copy_from_slice(new);
                }
            }
            blocks.insert(number, Rc::new(block));
        }
        Self::with_blocks(self.block_count.get(), self.random.next() >> 32, blocks)
    }

    /// An exact copy, cache included in the durable part.
    pub(crate) fn copy(&self) -> Self {
        let blocks = self.view.borrow().clone();
        Self::with_blocks(self.block_count.get(), self.random.next() >> 32, blocks)
    }

    /// Lets everything reach the medium.
    pub(crate) fn settle(&self) {
        self.durable.replace(self.view.borrow().clone());
        self.volatile.borrow_mut().clear();
    }

    pub(crate) fn resize(&self, block_count: u64) {
        self.block_count.set(block_count);
    }

    pub(crate) fn block(&self, number: u64) -> [u8; BLOCK_SIZE] {
        self.view
            .borrow()
            .get(&number)
            .map_or([0; BLOCK_SIZE], |block| **block)
    }

    /// Changes a block as an attacker would.
    pub(crate) fn put(&self, number: u64, block: [u8; BLOCK_SIZE]) {
        self.view.borrow_mut().insert(number, Rc::new(block));
        self.settle();
    }

    pub(crate) fn flip(&self, number: u64, byte: usize) {
        let mut block = self.block(number);
        block[byte] ^= 0x10;
        self.put(number, block);
    }

    /// The blocks that were ever written.
    pub(crate) fn written_blocks(&self) -> Vec<u64> {
        self.view.borrow().keys().copied().collect()
    }

    fn fails(&self) -> bool {
        match self.failing_after.get() {
            None => false,
            Some(0) => true,
            Some(left) => {
                self.failing_after.set(Some(left - 1));
                false
            }
        }
    }

    fn observe(&self) {
        // Taken out meanwhile: the observer may use the disk.
        let observer = self.observer.take();
        if let Some(observer) = &observer {
            observer(self);
        }
        if self.observer.borrow().is_none() {
            self.observer.replace(observer);
        }
    }

    async fn wait(&self) {
        let mut turns = match self.delay.get() {
            0 => 0,
            delay => self.random.below(delay + 1),
        };
        poll_fn(|context| {
            if turns == 0 {
                return Poll::Ready(());
            }
            turns -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    fn check(&self, first: u64, length: usize) {
        assert!(length > 0 && length.is_multiple_of(BLOCK_SIZE));
        let end = first + (length / BLOCK_SIZE) as u64;
        assert!(end <= self.block_count.get(), "beyond the device");
    }
}

impl BlockDevice for Disk {
    fn block_count(&self) -> u64 {
        self.block_count.get()
    }

    async fn read(&self, first: u64, data: &mut [u8]) -> Result<(), DeviceError> {
        self.check(first, data.len());
        self.wait().await;
        self.reads.set(self.reads.get() + 1);
        for (number, data) in (first..).zip(data.chunks_exact_mut(BLOCK_SIZE)) {
            data.copy_from_slice(&self.block(number));
        }
        Ok(())
    }

    async fn write(&self, first: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.check(first, data.len());
        if self.fails() {
            return Err(DeviceError);
        }
        let blocks: Vec<(u64, Block)> = (first..)
            .zip(data.chunks_exact(BLOCK_SIZE))
            .map(|(number, data)| (number, Rc::new(data.try_into().expect("one block"))))
            .collect();
        self.volatile.borrow_mut().extend(blocks.clone());
        self.observe();
        self.wait().await;
        self.view.borrow_mut().extend(blocks);
        self.writes.set(self.writes.get() + 1);
        Ok(())
    }

    async fn flush(&self) -> Result<(), DeviceError> {
        self.wait().await;
        if self.fails() {
            return Err(DeviceError);
        }
        self.settle();
        self.observe();
        Ok(())
    }
}
