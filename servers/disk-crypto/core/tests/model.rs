//! The engine against a plain list of blocks.

mod common;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::Pin;

use common::disk::Disk;
use common::random::Random;
use common::{content, create, open, open_with_cache};
use disk_crypto_core::layout::Layout;
use disk_crypto_core::tasks::{Tasks, block_on};
use disk_crypto_core::{BLOCK_SIZE, Error, Volume};
use proptest::prelude::*;

/// Three levels of nodes, four zones.
const BLOCKS: u64 = 10_000;

fn new_disk(blocks: u64) -> Disk {
    let layout = Layout::smallest(blocks).expect("a legal size");
    let disk = Disk::new(layout.device_blocks(), 1);
    create(&disk);
    disk
}

fn write(volume: &Volume<&Disk>, first: u64, versions: &[u64]) -> Result<(), Error> {
    let mut data: Vec<u8> = (first..)
        .zip(versions)
        .flat_map(|(block, &version)| content(block, version))
        .collect();
    block_on(volume.write(first, &mut data))
}

fn read(volume: &Volume<&Disk>, first: u64, count: usize) -> Vec<u8> {
    let mut data = vec![0xee; count * BLOCK_SIZE];
    block_on(volume.read(first, &mut data)).expect("an intact volume can be read");
    data
}

#[derive(Clone, Debug)]
enum Step {
    Write { first: u64, count: u64 },
    Read { first: u64, count: usize },
    Flush,
    Reopen,
}

/// Blocks near the borders of leaves and zones, and anywhere.
fn any_block() -> impl Strategy<Value = u64> {
    prop_oneof![80u64..110, 3060u64..3090, 9200u64..9230, 0..BLOCKS - 40]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any_block(), 1u64..40).prop_map(|(first, count)| Step::Write { first, count }),
        4 => (any_block(), 1usize..40).prop_map(|(first, count)| Step::Read { first, count }),
        2 => Just(Step::Flush),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_volume_is_a_list_of_blocks(steps in proptest::collection::vec(any_step(), 1..60), cache in 4usize..64) {
        let disk = new_disk(BLOCKS);
        let mut volume = open_with_cache(&disk, cache).expect("just created").0;
        let mut model: BTreeMap<u64, u64> = BTreeMap::new();
        for (step, version) in steps.into_iter().zip(1..) {
            match step {
                Step::Write { first, count } => {
                    let versions: Vec<u64> = (0..count).map(|_| version).collect();
                    write(&volume, first, &versions).expect("an intact volume can be written");
                    model.extend((first..first + count).map(|block| (block, version)));
                }
                Step::Read { first, count } => {
                    let data = read(&volume, first, count);
                    for (block, data) in (first..).zip(data.chunks_exact(BLOCK_SIZE)) {
                        let version = model.get(&block).copied().unwrap_or(0);
                        prop_assert!(data == content(block, version), "block {}", block);
                    }
                }
                Step::Flush => block_on(volume.flush()).expect("an intact volume can be flushed"),
                Step::Reopen => {
                    block_on(volume.flush()).expect("an intact volume can be flushed");
                    drop(volume);
                    volume = open_with_cache(&disk, cache).expect("an intact volume opens").0;
                }
            }
        }
        for (&block, &version) in &model {
            prop_assert!(read(&volume, block, 1) == content(block, version), "block {}", block);
        }
    }
}

#[test]
fn requests_in_flight_do_not_disturb_each_other() {
    for seed in 0..20 {
        let disk = new_disk(400);
        let volume = open_with_cache(&disk, 4).expect("just created").0;
        disk.delay.set(9);
        let random = Random::new(seed);
        let mut tasks = Tasks::default();
        for number in 0..8u64 {
            let (volume, random) = (&volume, &random);
            tasks.spawn(async move {
                // Each has its own blocks, in every leaf, so that they meet everywhere else.
                let mut versions = BTreeMap::new();
                for version in 1..60 {
                    let block = random.below(50) * 8 + number;
                    let mut data = content(block, version);
                    volume.write(block, &mut data).await.expect("intact");
                    versions.insert(block, version);
                    let block = random.below(50) * 8 + number;
                    volume.read(block, &mut data).await.expect("intact");
                    let expected = versions.get(&block).copied().unwrap_or(0);
                    assert!(data == content(block, expected), "block {block}");
                    if random.below(16) == 0 {
                        volume.flush().await.expect("intact");
                    }
                }
            });
        }
        tasks.run();
        assert!(tasks.is_empty(), "a request waits for ever");
    }
}

#[test]
fn reading_while_the_same_block_is_rewritten_finds_one_of_its_versions() {
    let disk = new_disk(300);
    let volume = open(&disk).expect("just created");
    write(&volume, 0, &[1; 300]).expect("intact");
    block_on(volume.flush()).expect("intact");
    disk.delay.set(20);
    let last_version = RefCell::new(1);
    let writer: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async {
        for version in 2..200 {
            *last_version.borrow_mut() = version;
            volume
                .write(7, &mut content(7, version))
                .await
                .expect("intact");
            volume.flush().await.expect("intact");
        }
    });
    let reader = Box::pin(async {
        for _ in 0..300 {
            let mut data = [0; BLOCK_SIZE];
            let oldest = last_version.borrow().max(2) - 1;
            volume.read(7, &mut data).await.expect("intact");
            let version = common::version_of(7, &data).expect("a whole version");
            assert!((oldest..=*last_version.borrow()).contains(&version));
        }
    });
    let mut tasks = Tasks::new();
    tasks.spawn(writer);
    tasks.spawn(reader);
    tasks.run();
    assert!(tasks.is_empty());
}

#[test]
fn a_full_zone_makes_room_by_itself() {
    let disk = new_disk(300);
    let volume = open(&disk).expect("just created");
    write(&volume, 0, &[1; 300]).expect("intact");
    block_on(volume.flush()).expect("intact");
    for version in 2..6 {
        // More than the zone has spare places, without a flush.
        write(&volume, 0, &[version; 300]).expect("intact");
    }
    drop(volume);
    disk.settle();
    let volume = open(&disk).expect("intact");
    for block in 0..300 {
        let data = read(&volume, block, 1);
        let data: &[u8; BLOCK_SIZE] = data[..].try_into().expect("one block");
        let version = common::version_of(block, data).expect("a whole version");
        assert!(version >= 4, "block {block} has version {version}");
    }
}

#[test]
fn many_scattered_writes_stay_within_bounds() {
    // A block in each of 3,000 leaves: more than may be dirty between two checkpoints.
    let disk = new_disk(300_000);
    let volume = open_with_cache(&disk, 64).expect("just created").0;
    let block = |leaf: u64| leaf * 96 + leaf % 95;
    for leaf in 0..3000 {
        write(&volume, block(leaf), &[1 + leaf]).expect("intact");
    }
    block_on(volume.flush()).expect("intact");
    drop(volume);
    let volume = open_with_cache(&disk, 64).expect("intact").0;
    for leaf in 0..3000 {
        assert!(read(&volume, block(leaf), 1) == content(block(leaf), 1 + leaf));
        assert!(read(&volume, block(leaf) + 1, 1) == content(0, 0));
    }
}

#[test]
fn requests_beyond_the_volume_are_refused() {
    let disk = new_disk(300);
    let volume = open(&disk).expect("just created");
    assert_eq!(write(&volume, 299, &[1, 1]), Err(Error::OutOfRange));
    let beyond = block_on(volume.write(u64::MAX, &mut [0; BLOCK_SIZE]));
    assert_eq!(beyond, Err(Error::OutOfRange));
    let mut data = [0; BLOCK_SIZE];
    assert_eq!(
        block_on(volume.read(300, &mut data)),
        Err(Error::OutOfRange)
    );
    let partial = block_on(volume.read(0, &mut data[..100]));
    assert_eq!(partial, Err(Error::OutOfRange));
}

#[test]
fn writes_end_after_a_failed_flush_and_reads_go_on() {
    let disk = new_disk(300);
    let volume = open(&disk).expect("just created");
    write(&volume, 5, &[1]).expect("intact");
    disk.failing_after.set(Some(0));
    assert_eq!(block_on(volume.flush()), Err(Error::Device));
    disk.failing_after.set(None);
    assert_eq!(block_on(volume.flush()), Err(Error::ReadOnly));
    assert_eq!(write(&volume, 6, &[1]), Err(Error::ReadOnly));
    assert!(read(&volume, 5, 1) == content(5, 1));
}

#[test]
fn a_failed_write_leaves_the_old_block() {
    let disk = new_disk(300);
    let volume = open(&disk).expect("just created");
    write(&volume, 5, &[1]).expect("intact");
    disk.failing_after.set(Some(0));
    assert_eq!(write(&volume, 5, &[2]), Err(Error::Device));
    disk.failing_after.set(None);
    assert!(read(&volume, 5, 1) == content(5, 1));
    write(&volume, 5, &[3]).expect("intact");
    block_on(volume.flush()).expect("intact");
    assert!(read(&volume, 5, 1) == content(5, 3));
}

#[test]
fn small_writes_cost_one_write_each_and_a_flush_a_few() {
    let disk = new_disk(BLOCKS);
    let volume = open(&disk).expect("just created");
    write(&volume, 0, &[1]).expect("intact");
    let before = (disk.writes.get(), disk.reads.get());
    for block in 1..80 {
        write(&volume, block, &[1]).expect("intact");
    }
    assert_eq!(
        (disk.writes.get() - before.0, disk.reads.get()),
        (79, before.1)
    );
    block_on(volume.flush()).expect("intact");
    // One record of the log and two roots.
    assert_eq!(disk.writes.get() - before.0, 79 + 3);
    block_on(volume.flush()).expect("intact");
    assert_eq!(disk.writes.get() - before.0, 79 + 3);
}
