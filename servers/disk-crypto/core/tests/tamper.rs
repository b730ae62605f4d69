//! Attacks on the disk: changed, swapped and older contents of every kind are refused, and only
//! what they concern.

mod common;

use std::ops::Range;

use common::disk::Disk;
use common::{CHEAP, PASSPHRASE, content, create, memory, open, open_with_cache, unlock};
use disk_crypto_core::error::OpenError;
use disk_crypto_core::header::HeaderError;
use disk_crypto_core::layout::{LOG_BLOCKS, Layout, Replica};
use disk_crypto_core::tasks::block_on;
use disk_crypto_core::unlock::{Locked, NewPassphrase, SlotChangeError};
use disk_crypto_core::volume::Randomness;
use disk_crypto_core::{BLOCK_SIZE, Error, Volume};

const BLOCKS: u64 = 300;

fn layout() -> Layout {
    Layout::smallest(BLOCKS).expect("a legal size")
}

fn write(volume: &Volume<&Disk>, first: u64, count: u64, version: u64) {
    let mut data: Vec<u8> = (first..first + count)
        .flat_map(|block| content(block, version))
        .collect();
    block_on(volume.write(first, &mut data)).expect("the volume is intact");
}

fn flush(volume: &Volume<&Disk>) {
    block_on(volume.flush()).expect("the volume is intact");
}

/// Commits until the log has overflowed: then the tree on the disk is up to date.
fn checkpoint(volume: &Volume<&Disk>) {
    for version in 0..=u64::from(LOG_BLOCKS) {
        write(volume, BLOCKS - 1, 1, version + 1);
        flush(volume);
    }
}

fn read(volume: &Volume<&Disk>, block: u64) -> Result<[u8; BLOCK_SIZE], Error> {
    let mut data = [0; BLOCK_SIZE];
    block_on(volume.read(block, &mut data)).map(|()| data)
}

/// A volume with version 1 of every block but the last, in the tree or only in the log.
fn filled(in_tree: bool) -> Disk {
    let disk = Disk::new(layout().device_blocks(), 1);
    create(&disk);
    let volume = open(&disk).expect("just created");
    write(&volume, 0, BLOCKS - 1, 1);
    flush(&volume);
    if in_tree {
        checkpoint(&volume);
    }
    drop(volume);
    disk.settle();
    disk
}

/// Writes these versions of a block, each of which is on the disk before the next.
fn rewrite(disk: &Disk, block: u64, versions: Range<u64>) {
    let volume = open(disk).expect("intact");
    for version in versions {
        write(&volume, block, 1, version);
        flush(&volume);
    }
}

/// Blocks that a volume opened anew refuses; all others must be as written.
fn refused(disk: &Disk) -> Vec<u64> {
    let volume = open(disk).expect("data does not keep a volume from opening");
    let mut refused = Vec::new();
    for block in 0..BLOCKS - 1 {
        match read(&volume, block) {
            Ok(data) => assert!(data == content(block, 1), "block {block} is wrong"),
            Err(error) => {
                assert_eq!(error, Error::TamperedBlock(block));
                refused.push(block);
            }
        }
    }
    refused
}

#[test]
fn a_changed_block_is_refused_alone() {
    for in_tree in [false, true] {
        let disk = filled(in_tree);
        // Blocks written in order to a new volume lie in order.
        for byte in [0, 2000, BLOCK_SIZE - 1] {
            let attacked = disk.copy();
            attacked.flip(layout().place(0, 77), byte);
            assert_eq!(refused(&attacked), [77]);
        }
        assert!(refused(&disk).is_empty());
    }
}

#[test]
fn a_tampered_block_can_be_written_again() {
    let disk = filled(true);
    disk.flip(layout().place(0, 77), 9);
    let volume = open(&disk).expect("intact");
    assert_eq!(read(&volume, 77), Err(Error::TamperedBlock(77)));
    write(&volume, 77, 1, 5);
    assert_eq!(read(&volume, 77), Ok(content(77, 5)));
}

#[test]
fn a_request_for_many_blocks_names_the_tampered_one() {
    let disk = filled(true);
    disk.flip(layout().place(0, 10), 9);
    let volume = open(&disk).expect("intact");
    let mut data = vec![0; 16 * BLOCK_SIZE];
    let result = block_on(volume.read(0, &mut data));
    assert_eq!(result, Err(Error::TamperedBlock(10)));
}

#[test]
fn swapped_blocks_are_refused() {
    let disk = filled(true);
    let (one, other) = (layout().place(0, 3), layout().place(0, 200));
    let block = disk.block(one);
    disk.put(one, disk.block(other));
    disk.put(other, block);
    assert_eq!(refused(&disk), [3, 200]);
}

#[test]
fn older_versions_of_a_block_are_refused() {
    let disk = filled(true);
    let before = disk.copy();
    // Often enough that its first place is in use again.
    rewrite(&disk, 8, 2..500);
    let (first, end) = (layout().place(0, 0), layout().root(Replica::Second));
    for place in first..end {
        disk.put(place, before.block(place));
    }
    let volume = open(&disk).expect("data does not keep a volume from opening");
    assert_eq!(read(&volume, 8), Err(Error::TamperedBlock(8)));
    assert_eq!(read(&volume, 7), Ok(content(7, 1)));
}

#[test]
fn every_older_or_changed_node_is_refused() {
    let disk = filled(true);
    let before = disk.copy();
    let volume = open(&disk).expect("intact");
    write(&volume, 100, 1, 2);
    checkpoint(&volume);
    write(&volume, 100, 1, 3);
    checkpoint(&volume);
    drop(volume);
    disk.settle();
    let nodes_start = layout().log(LOG_BLOCKS);
    let nodes_end = layout().place(0, 0);
    let mut refusals = 0;
    for node in nodes_start..nodes_end {
        let changed = disk.copy();
        changed.flip(node, 5);
        let older = disk.copy();
        older.put(node, before.block(node));
        for attacked in [changed, older] {
            if attacked.block(node) == disk.block(node) {
                continue;
            }
            let Ok(volume) = open(&attacked) else {
                refusals += 1;
                continue;
            };
            for block in 0..BLOCKS - 1 {
                let expected = content(block, if block == 100 { 3 } else { 1 });
                match read(&volume, block) {
                    Ok(data) => assert!(data == expected, "block {block} is wrong"),
                    Err(error) => {
                        assert!(matches!(error, Error::TamperedNode { .. }), "{error}");
                        refusals += 1;
                    }
                }
            }
        }
    }
    assert!(refusals > 100, "only {refusals} refusals");
}

#[test]
fn a_changed_or_older_log_keeps_the_volume_closed() {
    let disk = filled(false);
    rewrite(&disk, 9, 2..6);
    disk.settle();
    let records: Vec<u64> = disk
        .written_blocks()
        .into_iter()
        .filter(|&block| (layout().log(0)..layout().log(LOG_BLOCKS)).contains(&block))
        .collect();
    assert_eq!(records.len(), 4 + 4);
    for &record in &records {
        for byte in [0, 30, 41, 60] {
            let attacked = disk.copy();
            attacked.flip(record, byte);
            assert_eq!(open(&attacked).err(), Some(OpenError::ForgedLog));
        }
    }
    // A record in another's place, and the end cut off.
    let attacked = disk.copy();
    attacked.put(records[7], disk.block(records[6]));
    assert_eq!(open(&attacked).err(), Some(OpenError::ForgedLog));
    attacked.put(records[7], [0; BLOCK_SIZE]);
    assert_eq!(open(&attacked).err(), Some(OpenError::ForgedLog));
}

#[test]
fn older_metadata_without_its_data_brings_nothing_back() {
    let disk = filled(true);
    let before = disk.copy();
    rewrite(&disk, 8, 2..500);
    disk.settle();
    // Everything but the data is put back: the old state speaks of versions that are gone.
    for block in before.written_blocks() {
        if !(layout().place(0, 0)..layout().root(Replica::Second)).contains(&block) {
            disk.put(block, before.block(block));
        }
    }
    let volume = open(&disk).expect("a consistent old state");
    assert_eq!(read(&volume, 8), Err(Error::TamperedBlock(8)));
}

#[test]
fn one_bad_copy_of_header_or_root_is_repaired() {
    let disk = filled(true);
    for replica in Replica::BOTH {
        for place in [layout().header(replica), layout().root(replica)] {
            let attacked = disk.copy();
            attacked.put(place, [0x55; BLOCK_SIZE]);
            let (volume, opened) = open_with_cache(&attacked, 64).expect("the other copy serves");
            assert!(opened.repaired_header != opened.repaired_root);
            assert_eq!(read(&volume, 5), Ok(content(5, 1)));
            drop(volume);
            assert_eq!(attacked.block(place), disk.block(place));
            let (_, opened) = open_with_cache(&attacked, 64).expect("repaired");
            assert!(!opened.repaired_header && !opened.repaired_root);
        }
    }
}

#[test]
fn an_older_copy_of_the_root_does_not_count() {
    let disk = filled(false);
    let before = disk.copy();
    rewrite(&disk, 9, 2..3);
    disk.settle();
    for replica in Replica::BOTH {
        let attacked = disk.copy();
        let place = layout().root(replica);
        attacked.put(place, before.block(place));
        let (volume, opened) = open_with_cache(&attacked, 64).expect("the newer copy serves");
        assert!(opened.repaired_root);
        assert_eq!(read(&volume, 9), Ok(content(9, 2)));
    }
}

#[test]
fn two_bad_copies_are_refused_with_the_reason() {
    let disk = filled(true);
    let attack = |places: [u64; 2], block: [u8; BLOCK_SIZE]| {
        let attacked = disk.copy();
        for place in places {
            attacked.put(place, block);
        }
        open(&attacked).err()
    };
    let headers = Replica::BOTH.map(|replica| layout().header(replica));
    let roots = Replica::BOTH.map(|replica| layout().root(replica));
    let missing = OpenError::NoHeader(HeaderError::NotAVolume);
    assert_eq!(attack(headers, [0; BLOCK_SIZE]), Some(missing));
    let mut damaged = disk.block(headers[0]);
    damaged[100] ^= 1;
    let error = OpenError::NoHeader(HeaderError::Damaged);
    assert_eq!(attack(headers, damaged), Some(error));
    assert_eq!(attack(roots, [0; BLOCK_SIZE]), Some(OpenError::NoRoot));
    let mut damaged = disk.block(roots[0]);
    damaged[70] ^= 1;
    assert_eq!(attack(roots, damaged), Some(OpenError::NoRoot));
}

#[test]
fn parts_of_another_volume_do_not_fit() {
    let disk = filled(true);
    let other = Disk::new(layout().device_blocks(), 2);
    let passphrase = NewPassphrase {
        passphrase: PASSPHRASE,
        cost: CHEAP,
        memory: &mut memory(),
    };
    let created = block_on(disk_crypto_core::unlock::create(
        &other,
        passphrase,
        &mut Randomness::new([2; 32]),
    ));
    created.expect("the disk is large enough");
    let volume = open(&other).expect("just created");
    write(&volume, 0, BLOCKS - 1, 1);
    checkpoint(&volume);
    drop(volume);
    let block = layout().place(0, 50);
    let attacked = disk.copy();
    attacked.put(block, other.block(block));
    assert_eq!(refused(&attacked), [50]);
    let attacked = disk.copy();
    for replica in Replica::BOTH {
        let place = layout().root(replica);
        attacked.put(place, other.block(place));
    }
    assert_eq!(open(&attacked).err(), Some(OpenError::NoRoot));
}

#[test]
fn a_disk_that_was_cut_short_is_named() {
    let disk = filled(true);
    let needed = layout().device_blocks();
    disk.resize(needed - 10);
    let error = OpenError::DeviceTooSmall {
        needed,
        found: needed - 10,
    };
    assert_eq!(open(&disk).err(), Some(error));
    disk.resize(0);
    assert!(open(&disk).is_err());
}

#[test]
fn no_plaintext_reaches_the_disk() {
    let disk = filled(true);
    let plain = content(123, 1);
    for block in disk.written_blocks() {
        let stored = disk.block(block);
        assert!(!stored.windows(32).any(|window| window == &plain[..32]));
    }
}

fn new_passphrase(passphrase: &[u8]) -> NewPassphrase<'_> {
    NewPassphrase {
        passphrase,
        cost: CHEAP,
        memory: memory().leak(),
    }
}

#[test]
fn slots_open_with_their_passphrases_only() {
    let disk = filled(true);
    let open_with = |passphrase: &[u8]| {
        let locked = block_on(Locked::read(&&disk)).expect("intact");
        locked.unlock(passphrase, &mut memory())
    };
    let mut randomness = Randomness::new([8; 32]);
    let mut unlocked = open_with(PASSPHRASE).expect("right");
    for number in 1..8 {
        let added = unlocked.add_slot(new_passphrase(&[number; 3]), &mut randomness);
        assert_eq!(added, Ok(usize::from(number)));
    }
    let full = unlocked.add_slot(new_passphrase(b"x"), &mut randomness);
    assert_eq!(full, Err(SlotChangeError::NoFreeSlot));
    assert_eq!(open_with(&[3; 3]).err(), Some(OpenError::WrongPassphrase));
    block_on(unlocked.save(&&disk)).expect("the disk works");
    assert_eq!(
        open_with(&[3; 3]).map(|unlocked| unlocked.slot()).ok(),
        Some(3)
    );
    for slot in 0..7 {
        assert_eq!(unlocked.remove_slot(slot), Ok(()));
    }
    assert_eq!(unlocked.remove_slot(0), Err(SlotChangeError::EmptySlot));
    assert_eq!(unlocked.remove_slot(7), Err(SlotChangeError::LastSlot));
    block_on(unlocked.save(&&disk)).expect("the disk works");
    assert_eq!(unlock(&disk).err(), Some(OpenError::WrongPassphrase));
    assert!(open_with(&[7; 3]).is_ok());
}

#[test]
fn the_newer_of_two_genuine_headers_counts() {
    let disk = filled(true);
    let before = disk.copy();
    let mut unlocked = unlock(&disk).expect("intact");
    let new = NewPassphrase {
        passphrase: b"new",
        cost: CHEAP,
        memory: &mut memory(),
    };
    let replaced = unlocked.replace_slot(0, new, &mut Randomness::new([8; 32]));
    assert_eq!(replaced, Ok(()));
    block_on(unlocked.save(&&disk)).expect("the disk works");
    // As after a power cut between the two copies, either way round.
    for replica in Replica::BOTH {
        let attacked = disk.copy();
        let place = layout().header(replica);
        attacked.put(place, before.block(place));
        let locked = block_on(Locked::read(&&attacked)).expect("intact");
        assert!(locked.unlock(b"new", &mut memory()).is_ok());
    }
}
