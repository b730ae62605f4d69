//! The key store: what its reader may write, what the host replaces, and what is left of it.

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::disk::Disk;
use common::random::Random;
use common::{content, create, open, version_of};
use disk_crypto_core::key_store::{TEXT_MAX, clear, is_empty, put, write_own};
use disk_crypto_core::layout::Layout;
use disk_crypto_core::tasks::block_on;
use disk_crypto_core::{BLOCK_SIZE, Error, Volume};

/// The reader's own block, as it numbers the store's.
const OWN: u64 = 15;

fn new_disk(seed: u64) -> Disk {
    let layout = Layout::smallest(300).expect("a legal size");
    let disk = Disk::new(layout.device_blocks(), seed);
    create(&disk);
    disk
}

/// The whole store.
fn store(volume: &Volume<&Disk>) -> Vec<u8> {
    let first = volume.parts().key_store.place(0, 16).expect("it has one");
    let mut store = vec![0; 16 * BLOCK_SIZE];
    block_on(volume.read(first, &mut store)).expect("intact");
    store
}

fn own(volume: &Volume<&Disk>) -> [u8; BLOCK_SIZE] {
    let store = store(volume);
    store[15 * BLOCK_SIZE..].try_into().expect("one block")
}

#[test]
fn its_reader_writes_one_block_and_no_other() {
    let disk = new_disk(1);
    let volume = open(&disk).expect("just created");
    block_on(put(&volume, b"PrivateKey")).expect("it fits");
    let guest_blocks = volume.parts().guest.block_count();
    let guest = [7; BLOCK_SIZE];
    block_on(volume.write(guest_blocks - 1, &mut guest.clone())).expect("intact");
    let before = store(&volume);
    for (first, blocks) in [
        (0, 1),
        (0, 16),
        (14, 1),
        (14, 2),
        (15, 2),
        (16, 1),
        (u64::MAX, 1),
    ] {
        let mut data = vec![9; blocks * BLOCK_SIZE];
        let written = block_on(write_own(&volume, first, &mut data));
        assert_eq!(written, Err(Error::OutOfRange), "{blocks} at {first}");
    }
    assert!(store(&volume) == before);
    block_on(write_own(&volume, OWN, &mut content(OWN, 1))).expect("it may");
    assert!(own(&volume) == content(OWN, 1));
    let rest = 15 * BLOCK_SIZE;
    assert!(store(&volume)[..rest] == before[..rest]);
    let mut data = [0; BLOCK_SIZE];
    block_on(volume.read(guest_blocks - 1, &mut data)).expect("intact");
    assert!(data == guest);
}

#[test]
fn a_new_text_leaves_the_readers_block_and_nothing_of_the_old_one() {
    let disk = new_disk(2);
    let volume = open(&disk).expect("just created");
    block_on(put(&volume, &vec![b'k'; TEXT_MAX])).expect("it fits");
    block_on(write_own(&volume, OWN, &mut content(OWN, 1))).expect("it may");
    block_on(put(&volume, b"short")).expect("it fits");
    let mut expected = vec![0; 15 * BLOCK_SIZE];
    expected[..9].copy_from_slice(b"\x05\0\0\0short");
    expected.extend(content(OWN, 1));
    assert!(store(&volume) == expected);
    let long = vec![b'k'; TEXT_MAX + 1];
    assert_eq!(block_on(put(&volume, &long)), Err(Error::OutOfRange));
    assert!(store(&volume) == expected);
    block_on(clear(&volume)).expect("it has one");
    assert_eq!(block_on(is_empty(&volume)), Ok(true));
    assert!(store(&volume).iter().all(|byte| *byte == 0));
}

/// Before readers had a block of their own, a text might fill the whole store.
#[test]
fn nothing_stays_of_a_text_that_reached_the_readers_block() {
    let disk = new_disk(3);
    let volume = open(&disk).expect("just created");
    let first = volume.parts().key_store.place(0, 16).expect("it has one");
    let mut whole = vec![b'k'; 16 * BLOCK_SIZE];
    let length = u32::try_from(TEXT_MAX + 1).expect("short");
    whole[..4].copy_from_slice(&length.to_le_bytes());
    block_on(volume.write(first, &mut whole)).expect("intact");
    block_on(put(&volume, b"short")).expect("it fits");
    assert!(store(&volume)[9..].iter().all(|byte| *byte == 0));
}

/// A block that was written is durable at once, and old or new if the power fails on the way; the text stays.
#[test]
fn a_power_cut_leaves_the_readers_block_old_or_new() {
    let disk = new_disk(4);
    let volume = open(&disk).expect("just created");
    block_on(put(&volume, b"PrivateKey")).expect("it fits");
    let versions = Rc::new(RefCell::new((0, 0)));
    let (cuts, random) = (Rc::new(Cell::new(0)), Random::new(5));
    let (promised, counter) = (versions.clone(), cuts.clone());
    disk.observer.replace(Some(Box::new(move |disk: &Disk| {
        for percent in [0, 10, 50, 90, 100] {
            let torn = disk.after_power_cut(&mut || random.below(100) < percent);
            let volume = open(&torn).expect("a power cut leaves a volume that opens");
            let (durable, begun) = *promised.borrow();
            let version = version_of(OWN, &own(&volume)).expect("it is never a mixture");
            assert!((durable..=begun).contains(&version));
            assert!(store(&volume).starts_with(b"\x0a\0\0\0PrivateKey\0"));
            counter.set(counter.get() + 1);
        }
    })));
    for version in 1..20 {
        versions.borrow_mut().1 = version;
        block_on(write_own(&volume, OWN, &mut content(OWN, version))).expect("it may");
        versions.borrow_mut().0 = version;
        // The guest's writes beside it.
        block_on(volume.write(version, &mut content(version, 1))).expect("intact");
    }
    assert!(cuts.get() > 300, "{}", cuts.get());
}

#[test]
fn a_device_that_fails_leaves_the_readers_block() {
    let disk = new_disk(6);
    let volume = open(&disk).expect("just created");
    block_on(write_own(&volume, OWN, &mut content(OWN, 1))).expect("it may");
    disk.failing_after.set(Some(0));
    let written = block_on(write_own(&volume, OWN, &mut content(OWN, 2)));
    assert_eq!(written, Err(Error::Device));
    disk.failing_after.set(None);
    assert!(own(&volume) == content(OWN, 1));
}
