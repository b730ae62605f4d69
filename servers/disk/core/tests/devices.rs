//! The driver against devices in software: an honest one and hostile ones.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use disk_core::driver::StartError::{self as DiskError, Device as Refused};
use disk_core::driver::{Driver, Outcome, SubmitError, Token, Transfer};
use disk_core::slots::{MEMORY_SIZE, SLOTS};
use dma::DmaRegion;
use proptest::prelude::*;
use shared_memory::RegionWriter;
use virtio::{QueueAddresses, StartError, Transport, status};

const RINGS: u64 = 0x10_0000;
const BUFFERS: u64 = 0x20_0000;
const BLOCK: usize = 4096;
const BLOCK_BYTES: u32 = 4096;
const BLOCKS: u64 = 64;

/// A device: what its registers say, the memory that it reaches, its medium.
struct Device {
    status: u8,
    features: u64,
    accepted: u64,
    size_limit: u16,
    refuses_features: bool,
    refuses_interrupt: bool,
    never_resets: bool,
    resets: usize,
    queue: Option<(u16, QueueAddresses)>,
    rings: RegionWriter,
    buffers: RegionWriter,
    medium: HashMap<u64, Vec<u8>>,
    flushes: usize,
    next_available: u16,
    next_used: u16,
}

/// How a device differs from an honest one.
type Change = fn(&mut Device);

#[derive(Clone)]
struct Handle(Rc<RefCell<Device>>);

impl Transport for Handle {
    fn status(&self) -> u8 {
        let device = self.0.borrow();
        if device.never_resets {
            0x80
        } else {
            device.status
        }
    }

    fn set_status(&mut self, new: u8) {
        let mut device = self.0.borrow_mut();
        device.resets += usize::from(new == 0);
        device.status = new;
        if device.refuses_features {
            device.status &= !status::FEATURES_OK;
        }
    }

    fn offered_features(&mut self) -> u64 {
        self.0.borrow().features
    }

    fn accept_features(&mut self, features: u64) {
        self.0.borrow_mut().accepted = features;
    }

    fn set_configuration_interrupt(&mut self, entry: Option<u16>) -> bool {
        entry.is_none()
    }

    fn queue_size_limit(&mut self, queue: u16) -> u16 {
        assert_eq!(queue, 0);
        self.0.borrow().size_limit
    }

    fn enable_queue(
        &mut self,
        queue: u16,
        size: u16,
        addresses: &QueueAddresses,
        entry: u16,
    ) -> bool {
        assert_eq!((queue, entry), (0, 0));
        let mut device = self.0.borrow_mut();
        device.queue = Some((size, *addresses));
        !device.refuses_interrupt
    }

    fn notify(&self, _: u16) {}

    fn configuration_u8(&self, _: usize) -> u8 {
        0
    }

    fn configuration_u16(&self, _: usize) -> u16 {
        0
    }

    fn configuration_u32(&self, offset: usize) -> u32 {
        // A rest of a block does not count.
        if offset == 0 { 64 * 8 + 7 } else { 0 }
    }

    fn configuration_generation(&self) -> u8 {
        0
    }
}

impl Device {
    fn new() -> Self {
        Self {
            status: 0,
            features: 1 << 32 | 1 << 9 | 1 << 6,
            accepted: 0,
            size_limit: 256,
            refuses_features: false,
            refuses_interrupt: false,
            never_resets: false,
            resets: 0,
            queue: None,
            rings: RegionWriter::simulated(MEMORY_SIZE, Some(RINGS)),
            buffers: RegionWriter::simulated(64 * BLOCK, Some(BUFFERS)),
            medium: HashMap::new(),
            flushes: 0,
            next_available: 0,
            next_used: 0,
        }
    }

    fn start(self) -> (Handle, Result<Driver<Handle>, DiskError>) {
        let rings = DmaRegion::new(self.rings).expect("it has an address");
        let handle = Handle(Rc::new(RefCell::new(self)));
        let driver = Driver::start(handle.clone(), rings);
        (handle, driver)
    }

    fn ring_place(address: u64) -> usize {
        usize::try_from(address - RINGS).expect("inside the rings")
    }

    /// Carries out everything that is available, the last first if `reversed`.
    fn work(&mut self, reversed: bool) {
        let (size, addresses) = self.queue.expect("the queue is enabled");
        let available = Self::ring_place(addresses.available);
        let index = self.rings.read_u16_at(available + 2).expect("inside");
        let mut heads = Vec::new();
        while self.next_available != index {
            let entry = available + 4 + 2 * usize::from(self.next_available % size);
            heads.push(self.rings.read_u16_at(entry).expect("inside"));
            self.next_available = self.next_available.wrapping_add(1);
        }
        if reversed {
            heads.reverse();
        }
        for head in heads {
            let written = self.carry_out(head);
            self.report(u32::from(head), written);
        }
    }

    /// Walks a chain; returns what it wrote.
    fn carry_out(&mut self, head: u16) -> u32 {
        let table = Self::ring_place(self.queue.expect("enabled").1.descriptors);
        let mut chain = Vec::new();
        let mut next = Some(head);
        while let Some(index) = next {
            let place = table + 16 * usize::from(index);
            let address = self.rings.read_u64_at(place).expect("inside");
            let length = self.rings.read_u32_at(place + 8).expect("inside");
            let flags = self.rings.read_u16_at(place + 12).expect("inside");
            next = (flags & 1 != 0).then(|| self.rings.read_u16_at(place + 14).expect("inside"));
            chain.push((address, length, flags & 2 != 0));
            assert!(chain.len() <= 3, "chains have at most three descriptors");
        }
        let (header, header_length, _) = chain[0];
        let (status, status_length, status_is_ours) = *chain.last().expect("not empty");
        assert!(header_length == 16 && status_length == 1 && status_is_ours);
        let header = Self::ring_place(header);
        let kind = self.rings.read_u32_at(header).expect("inside");
        let sector = self.rings.read_u64_at(header + 8).expect("inside");
        let mut written = 1;
        match (kind, chain.len()) {
            (4, 2) => self.flushes += 1,
            (0, 3) => {
                assert!(chain[1].2, "the device writes what is read");
                self.transfer(chain[1].0, chain[1].1, sector, true);
                written += chain[1].1;
            }
            (1, 3) => {
                assert!(!chain[1].2, "the device reads what is written");
                self.transfer(chain[1].0, chain[1].1, sector, false);
            }
            other => panic!("no such request: {other:?}"),
        }
        let status = Self::ring_place(status);
        self.rings.write_u8_at(status, 0).expect("inside");
        written
    }

    fn transfer(&mut self, address: u64, length: u32, sector: u64, to_memory: bool) {
        let place = usize::try_from(address - BUFFERS).expect("inside the buffers");
        for index in 0..length as usize / BLOCK {
            let block = sector / 8 + index as u64;
            let place = place + index * BLOCK;
            if to_memory {
                let data = self.medium.get(&block).cloned();
                let data = data.unwrap_or_else(|| vec![0; BLOCK]);
                self.buffers.write_at(place, &data).expect("inside");
            } else {
                let mut data = vec![0; BLOCK];
                self.buffers.read_at(place, &mut data).expect("inside");
                self.medium.insert(block, data);
            }
        }
    }

    fn report(&mut self, id: u32, written: u32) {
        let (size, addresses) = self.queue.expect("the queue is enabled");
        let used = Self::ring_place(addresses.used);
        let element = used + 4 + 8 * usize::from(self.next_used % size);
        self.rings.write_u32_at(element, id).expect("inside");
        self.rings
            .write_u32_at(element + 4, written)
            .expect("inside");
        self.next_used = self.next_used.wrapping_add(1);
        self.set_used_index(self.next_used);
    }

    fn set_used_index(&self, index: u16) {
        let used = Self::ring_place(self.queue.expect("enabled").1.used);
        self.rings.write_u16_at(used + 2, index).expect("inside");
    }
}

fn read(first: u64, blocks: u32) -> Transfer {
    Transfer::Read {
        first,
        blocks,
        address: BUFFERS,
    }
}

#[test]
fn blocks_written_are_read_back_in_any_order() {
    let (device, driver) = Device::new().start();
    let mut driver = driver.expect("an honest device");
    assert_eq!(driver.block_count(), BLOCKS);
    assert_eq!(device.0.borrow().accepted, 1 << 32 | 1 << 9);
    for round in 0..200u8 {
        let block = u64::from(round % 60);
        let buffers = device.0.borrow().buffers;
        buffers.fill_at(0, 2 * BLOCK, round).expect("inside");
        let write = Transfer::Write {
            first: block,
            blocks: 2,
            address: BUFFERS,
        };
        driver
            .submit(write, Token(round.into()))
            .expect("there is room");
        driver
            .submit(Transfer::Flush, Token(1000 + u32::from(round)))
            .expect("there is room");
        driver.notify();
        device.0.borrow_mut().work(round % 2 == 0);
        let mut tokens = Vec::new();
        while let Some((token, outcome)) = driver.take_finished() {
            assert_eq!(outcome, Outcome::Done);
            tokens.push(token.0);
        }
        tokens.sort_unstable();
        assert_eq!(tokens, [round.into(), 1000 + u32::from(round)]);

        buffers.fill_at(0, 2 * BLOCK, 0xee).expect("inside");
        driver
            .submit(read(block, 2), Token(5))
            .expect("there is room");
        device.0.borrow_mut().work(false);
        assert_eq!(driver.take_finished(), Some((Token(5), Outcome::Done)));
        assert_eq!(buffers.read_u8_at(2 * BLOCK - 1), Ok(round));
    }
    assert_eq!(device.0.borrow().flushes, 200);
}

#[test]
fn the_queue_fills_and_empties() {
    let (device, driver) = Device::new().start();
    let mut driver = driver.expect("an honest device");
    let slots = u32::try_from(SLOTS).expect("a queue is small");
    for number in 0..slots {
        assert!(!driver.is_full());
        driver
            .submit(read(0, 1), Token(number))
            .expect("there is room");
    }
    assert!(driver.is_full());
    assert_eq!(driver.submit(read(0, 1), Token(0)), Err(SubmitError::Full));
    device.0.borrow_mut().work(true);
    for number in (0..slots).rev() {
        let finished = Some((Token(number), Outcome::Done));
        assert_eq!(driver.take_finished(), finished);
    }
    assert_eq!(driver.take_finished(), None);
}

#[test]
fn blocks_beyond_the_device_are_refused() {
    let (_, driver) = Device::new().start();
    let mut driver = driver.expect("an honest device");
    for (first, blocks) in [
        (BLOCKS, 1),
        (BLOCKS - 1, 2),
        (u64::MAX, 1),
        (0, 0),
        (0, u32::MAX),
    ] {
        let result = driver.submit(read(first, blocks), Token(0));
        assert_eq!(result, Err(SubmitError::OutOfRange));
    }
}

#[test]
fn devices_that_do_not_serve_are_refused() {
    let cases: [(Change, DiskError); 8] = [
        (
            |device| device.never_resets = true,
            Refused(StartError::NoReset),
        ),
        (
            |device| device.features = 1 << 9,
            Refused(StartError::MissingFeature),
        ),
        (
            |device| device.features = 1 << 32,
            Refused(StartError::MissingFeature),
        ),
        (|device| device.features |= 1 << 5, DiskError::ReadOnly),
        (
            |device| device.refuses_features = true,
            Refused(StartError::FeaturesRefused),
        ),
        (|device| device.size_limit = 0, Refused(StartError::NoQueue)),
        (
            |device| device.size_limit = 100,
            Refused(StartError::NoQueue),
        ),
        (
            |device| device.refuses_interrupt = true,
            Refused(StartError::NoInterrupt),
        ),
    ];
    for (change, error) in cases {
        let mut device = Device::new();
        change(&mut device);
        let (device, driver) = device.start();
        assert_eq!(driver.err(), Some(error));
        assert_ne!(device.0.borrow().status & status::FAILED, 0);
        assert_eq!(device.0.borrow().status & status::DRIVER_OK, 0);
    }
}

#[test]
fn small_queues_serve() {
    let mut device = Device::new();
    device.size_limit = 4;
    let (device, driver) = device.start();
    let mut driver = driver.expect("an honest device");
    for round in 0..10 {
        driver
            .submit(read(0, 1), Token(round))
            .expect("there is room");
        assert!(driver.is_full());
        device.0.borrow_mut().work(false);
        assert_eq!(driver.take_finished(), Some((Token(round), Outcome::Done)));
    }
}

/// Starts a driver with `requests` reads in flight.
fn with_reads(requests: u32) -> (Handle, Driver<Handle>) {
    let (device, driver) = Device::new().start();
    let mut driver = driver.expect("an honest device");
    for number in 0..requests {
        driver
            .submit(read(0, 1), Token(number))
            .expect("there is room");
    }
    (device, driver)
}

#[test]
fn failures_are_told() {
    let (device, mut driver) = with_reads(3);
    {
        let mut device = device.0.borrow_mut();
        // Finished without a status; too little written; too much written.
        device.report(0, BLOCK_BYTES + 1);
        device.carry_out(3);
        device.report(3, BLOCK_BYTES);
        device.carry_out(6);
        device.report(6, u32::MAX);
    }
    for number in 0..3 {
        let finished = Some((Token(number), Outcome::Failed));
        assert_eq!(driver.take_finished(), finished);
    }
}

#[test]
fn a_device_that_breaks_the_rules_is_reset_for_good() {
    let cases: [Change; 5] = [
        // A request that is not in flight, a descriptor inside a chain, one that does not exist.
        |device| device.report(3 * 7, 1),
        |device| device.report(1, 1),
        |device| device.report(u32::MAX, 1),
        // More finished than is in flight; the index going backwards.
        |device| device.set_used_index(3),
        |device| device.set_used_index(u16::MAX),
    ];
    for misbehave in cases {
        let (device, mut driver) = with_reads(2);
        misbehave(&mut device.0.borrow_mut());
        for number in 0..2 {
            let failed = Some((Token(number), Outcome::Failed));
            assert_eq!(driver.take_finished(), failed);
        }
        assert_eq!(driver.take_finished(), None);
        assert!(driver.is_broken());
        assert_eq!(device.0.borrow().status, 0);
        assert_eq!(device.0.borrow().resets, 2);
        let refused = driver.submit(read(0, 1), Token(0));
        assert_eq!(refused, Err(SubmitError::Broken));
    }
}

#[test]
fn the_same_request_is_not_finished_twice() {
    let (device, mut driver) = with_reads(2);
    device.0.borrow_mut().report(0, 1);
    device.0.borrow_mut().report(0, 1);
    assert!(matches!(driver.take_finished(), Some((Token(0), _))));
    assert!(!driver.is_broken());
    let failed = Some((Token(1), Outcome::Failed));
    assert_eq!(driver.take_finished(), failed);
    assert!(driver.is_broken());
}

proptest! {
    #[test]
    fn no_device_finishes_a_request_twice_or_one_that_is_not_there(
        scribbles in proptest::collection::vec((0..MEMORY_SIZE, any::<u8>()), 0..400),
        reports in proptest::collection::vec((0u32..130, any::<u32>()), 0..20),
    ) {
        let (device, mut driver) = with_reads(10);
        let mut open: Vec<u32> = (0..10).collect();
        for (id, written) in reports {
            device.0.borrow_mut().report(id, written);
        }
        for (place, byte) in scribbles {
            device.0.borrow().rings.write_u8_at(place, byte).expect("inside");
            while let Some((token, _)) = driver.take_finished() {
                let position = open.iter().position(|&number| number == token.0);
                prop_assert!(position.is_some(), "{:?} was not in flight", token);
                open.swap_remove(position.expect("just checked"));
            }
        }
    }
}
