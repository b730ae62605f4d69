//! Power cuts at every write and flush of the device: each block is old or new, and what was flushed is there.
//!
//! At each point the disk is asked what it may hold if the power fails now: any part of the writes since its last
//! flush, sector by sector, in any order. Each such disk must open, and each block on it must be
//! one of the versions that the promises of `flush` allow.

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::disk::Disk;
use common::random::Random;
use common::{content, create, open, version_of};
use disk_crypto_core::layout::{BLOCKS_PER_ZONE, Layout};
use disk_crypto_core::tasks::{Tasks, block_on};
use disk_crypto_core::{BLOCK_SIZE, Volume};

/// The versions of one block.
#[derive(Clone, Copy, Default)]
struct Versions {
    /// The oldest one that a power cut may bring back.
    flushed: u64,
    /// The newest one whose write has completed.
    completed: u64,
    /// The newest one whose write has begun.
    started: u64,
}

/// What is promised of each block in use.
#[derive(Clone)]
struct Promises {
    blocks: Vec<u64>,
    versions: RefCell<Vec<Versions>>,
}

impl Promises {
    fn new(blocks: Vec<u64>) -> Self {
        let versions = RefCell::new(vec![Versions::default(); blocks.len()]);
        Self { blocks, versions }
    }

    /// Writes the next version of the blocks `range`, which lie one after the other.
    async fn write(&self, volume: &Volume<&Disk>, range: std::ops::Range<usize>) {
        let mut data = Vec::new();
        let mut written = Vec::new();
        for index in range.clone() {
            let versions = &mut self.versions.borrow_mut()[index];
            versions.started += 1;
            written.push(versions.started);
            data.extend(content(self.blocks[index], versions.started));
        }
        let first = self.blocks[range.start];
        volume
            .write(first, &mut data)
            .await
            .expect("the disk works");
        for (index, version) in range.zip(written) {
            self.versions.borrow_mut()[index].completed = version;
        }
    }

    async fn flush(&self, volume: &Volume<&Disk>) {
        let before = self.versions.borrow().clone();
        volume.flush().await.expect("the disk works");
        for (versions, before) in self.versions.borrow_mut().iter_mut().zip(before) {
            versions.flushed = versions.flushed.max(before.completed);
        }
    }

    /// Opens what is left after a power cut and reads every block in use.
    fn check(&self, disk: &Disk) {
        let volume = open(disk).expect("a power cut leaves a volume that opens");
        for (&block, versions) in self.blocks.iter().zip(self.versions.borrow().iter()) {
            let mut data = [0; BLOCK_SIZE];
            let read = block_on(volume.read(block, &mut data));
            read.expect("a power cut leaves no block unreadable");
            let version = version_of(block, &data).expect("a block is never a mixture");
            let legal = versions.flushed..=versions.started;
            assert!(
                legal.contains(&version),
                "block {block}: {version} not in {legal:?}"
            );
        }
    }

    /// After recovery a volume must be as good as any: write, flush and read everything once more.
    fn check_life_after(&self, disk: &Disk) {
        let volume = open(disk).expect("a power cut leaves a volume that opens");
        for &block in &self.blocks {
            let written = block_on(volume.write(block, &mut content(block, 1_000_000)));
            written.expect("the disk works");
        }
        block_on(volume.flush()).expect("the disk works");
        drop(volume);
        let disk = disk.after_power_cut(&mut || false);
        let volume = open(&disk).expect("what was flushed survives");
        for &block in &self.blocks {
            let mut data = [0; BLOCK_SIZE];
            block_on(volume.read(block, &mut data)).expect("what was flushed survives");
            assert!(data == content(block, 1_000_000), "block {block}");
        }
    }
}

/// Cuts the power at every event from `skip` on, in several ways each time.
fn cut_everywhere(disk: &Disk, promises: &Rc<Promises>, skip: u64) -> Rc<Cell<u64>> {
    let events = Rc::new(Cell::new(0));
    let random = Random::new(99);
    let (counter, promises) = (events.clone(), promises.clone());
    let observer = move |disk: &Disk| {
        counter.set(counter.get() + 1);
        if counter.get() <= skip {
            return;
        }
        promises.check(&disk.after_power_cut(&mut || false));
        promises.check(&disk.after_power_cut(&mut || true));
        for percent in [10, 50, 90] {
            let torn = disk.after_power_cut(&mut || random.below(100) < percent);
            promises.check(&torn);
            if counter.get() % 16 == 0 {
                promises.check_life_after(&torn);
            }
        }
    };
    disk.observer.replace(Some(Box::new(observer)));
    events
}

fn new_disk(blocks: u64, seed: u64) -> Disk {
    let layout = Layout::smallest(blocks).expect("a legal size");
    let disk = Disk::new(layout.device_blocks(), seed);
    create(&disk);
    disk
}

#[test]
fn overwriting_and_flushing() {
    let disk = new_disk(300, 1);
    let volume = open(&disk).expect("just created");
    let promises = Rc::new(Promises::new((90..110).collect()));
    let events = cut_everywhere(&disk, &promises, 0);
    block_on(async {
        for round in 0..12 {
            promises.write(&volume, 0..20).await;
            promises.flush(&volume).await;
            promises.write(&volume, round..round + 3).await;
            promises.write(&volume, round..round + 1).await;
            if round % 3 == 0 {
                promises.flush(&volume).await;
            }
        }
    });
    assert!(events.get() > 100, "{}", events.get());
}

#[test]
fn commits_forced_by_a_full_zone() {
    let disk = new_disk(300, 2);
    let volume = open(&disk).expect("just created");
    let promises = Rc::new(Promises::new((0..300).collect()));
    block_on(promises.write(&volume, 0..300));
    block_on(promises.flush(&volume));
    let events = cut_everywhere(&disk, &promises, 0);
    for start in (0..280).step_by(20) {
        block_on(promises.write(&volume, start..start + 20));
    }
    assert!(events.get() > 20, "{}", events.get());
}

#[test]
fn checkpoints() {
    let border = BLOCKS_PER_ZONE;
    let disk = new_disk(10_000, 3);
    let volume = open(&disk).expect("just created");
    let blocks = (border - 5..border + 5)
        .chain([0, 96, 9215, 9216])
        .collect();
    let promises = Rc::new(Promises::new(blocks));
    // The log takes 256 records; let it overflow twice.
    let events = cut_everywhere(&disk, &promises, u64::MAX);
    let fill_log = |records| {
        for _ in 0..records {
            block_on(promises.write(&volume, 10..11));
            block_on(promises.flush(&volume));
        }
    };
    fill_log(250);
    drop(disk.observer.take());
    let checked = cut_everywhere(&disk, &promises, 0);
    for round in 0..12 {
        block_on(promises.write(&volume, 0..10));
        block_on(promises.write(&volume, 10 + round % 4..11 + round % 4));
        block_on(promises.flush(&volume));
    }
    drop(disk.observer.take());
    fill_log(240);
    let checked_again = cut_everywhere(&disk, &promises, 0);
    for _ in 0..20 {
        block_on(promises.write(&volume, 0..10));
        block_on(promises.flush(&volume));
    }
    assert!(events.get() > 1000 && checked.get() > 60 && checked_again.get() > 60);
}

#[test]
fn requests_in_flight() {
    for seed in 0..6 {
        let disk = new_disk(400, 10 + seed);
        let volume = open(&disk).expect("just created");
        disk.delay.set(6);
        let promises = Rc::new(Promises::new((80..120).collect()));
        let events = cut_everywhere(&disk, &promises, 0);
        let random = Random::new(seed);
        let mut tasks = Tasks::default();
        for number in 0..5usize {
            let (volume, random, promises) = (&volume, &random, &promises);
            tasks.spawn(async move {
                for _ in 0..8 {
                    let first = number * 8 + random.index_below(6);
                    promises.write(volume, first..first + 2).await;
                    if random.below(4) == 0 {
                        promises.flush(volume).await;
                    }
                }
            });
        }
        tasks.run();
        assert!(tasks.is_empty(), "a request waits for ever");
        assert!(events.get() > 50, "{}", events.get());
    }
}

#[test]
fn power_fails_again_during_recovery() {
    let random = Random::new(4);
    for seed in 0..20 {
        let disk = new_disk(300, 100 + seed);
        let promises = Rc::new(Promises::new((0..10).collect()));
        let volume = open(&disk).expect("just created");
        // The power fails in the middle of a commit, at its log record or a root record.
        let fatal = 4 + random.below(12);
        let left = Rc::new(RefCell::new(None));
        let (found, count, chance) = (left.clone(), Cell::new(0), Random::new(seed));
        let promised = promises.clone();
        disk.observer.replace(Some(Box::new(move |disk: &Disk| {
            count.set(count.get() + 1);
            if count.get() == fatal {
                let torn = disk.after_power_cut(&mut || chance.below(2) == 0);
                found.replace(Some((torn, Rc::new((*promised).clone()))));
            }
        })));
        for _ in 0..3 {
            if left.borrow().is_none() {
                block_on(promises.write(&volume, 0..10));
            }
            if left.borrow().is_none() {
                block_on(promises.flush(&volume));
            }
        }
        let (torn, promises) = left.take().expect("three rounds have more events");
        cut_everywhere(&torn, &promises, 0);
        promises.check(&torn);
        drop(torn.observer.take());
        promises.check_life_after(&torn);
    }
}
