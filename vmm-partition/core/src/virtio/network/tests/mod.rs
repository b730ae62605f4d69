//! A driver that sends and receives; and drivers that break every rule.

mod large;

use alloc::{vec, vec::Vec};

use frame_api::{Checksum, Link, LinkState};
use proptest::prelude::*;

use super::Network;
use crate::{
    guest_memory::{GuestAddress, GuestMemory},
    host::Host,
    virtio::test_bench::{AVAILABLE, Bench, DATA, DESCRIPTORS, QUEUE_BYTES, USED, VECTOR},
};

const RECEIVE: u16 = 0;
const TRANSMIT: u16 = 1;
/// Version 1, MTU, address, link status, both checksums.
const FEATURES: u64 = 1 << 32 | 1 << 16 | 1 << 5 | 1 << 3 | 3;
/// Where frames to send lie.
const OUTGOING: u64 = 0x18_0000;
/// Offset of the flags in a used ring.
const FLAGS: u64 = USED;

fn bench_with(features: u64) -> Bench<Network> {
    let mut bench = Bench::new(Network::new(Link::from_word(0)));
    bench.initialize(features);
    bench
}

fn bench() -> Bench<Network> {
    bench_with(FEATURES)
}

impl Bench<Network> {
    /// Sends `header` and `frame` as two descriptors.
    fn send(&mut self, header: &[u8], frame: &[u8]) {
        let table = DESCRIPTORS + QUEUE_BYTES;
        self.put(OUTGOING, header);
        self.put(OUTGOING + 0x1000, frame);
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("frames are short");
        self.describe(table, 0, OUTGOING, length(header), 1);
        self.describe(table, 1, OUTGOING + 0x1000, length(frame), 0);
        self.offer(TRANSMIT, 0);
        self.write(0x3000, 2, u64::from(TRANSMIT));
    }

    /// Offers `count` buffers of `length` bytes.
    fn offer_buffers(&mut self, count: u16, length: u32) {
        for index in 0..count {
            let address = DATA + u64::from(index) * 2048;
            self.describe(DESCRIPTORS, index, address, length, 2);
            self.offer(RECEIVE, index);
        }
        self.write(0x3000, 2, u64::from(RECEIVE));
    }

    fn bytes<const N: usize>(&self, address: u64) -> [u8; N] {
        let mut bytes = [0; N];
        let read = self.host.memory().read(GuestAddress(address), &mut bytes);
        assert_eq!(read, Ok(()));
        bytes
    }

    /// Bytes that the device says it wrote into returned chain `index`.
    fn written(&self, index: u64) -> u32 {
        u32::from_le_bytes(self.bytes(USED + 8 + index * 8))
    }

    fn notifications_wanted(&self, queue: u16) -> bool {
        self.bytes(FLAGS + u64::from(queue) * QUEUE_BYTES) == [0, 0]
    }

    fn take_interrupt(&mut self, vector: u8) -> bool {
        let is_there = self.fabric.local_apic.deliverable(0) == Some(vector);
        if is_there {
            self.fabric.local_apic.begin_service(vector);
            self.fabric.end_of_interrupt();
        }
        is_there
    }

    fn arrive(&mut self, length: usize, checksum: Checksum) {
        let frame = (0..=255).cycle().take(length).collect();
        self.host.gateway.to_guest.push_back((frame, checksum));
        self.complete();
    }

    /// The driver starts from the beginning.
    fn restart(&mut self, features: u64) {
        self.write(0x14, 1, 0);
        self.available = [0; 2];
        for ring in [AVAILABLE, USED] {
            self.put(ring, &[0; 4]);
            self.put(ring + QUEUE_BYTES, &[0; 4]);
        }
        self.initialize(features);
    }

    /// A frame goes through: the device works.
    fn works(&mut self) -> bool {
        let before = self.host.gateway.from_guest.len();
        self.send(&[0; 12], &[7; 60]);
        self.host.gateway.from_guest.len() == before + 1 && self.read(0x14, 1) == 15
    }
}

#[test]
fn the_device_introduces_itself() {
    let mut bench = bench();
    assert_eq!(bench.function.configuration.word(0), 0x1041_1af4);
    assert_eq!(bench.read(0x12, 2), 2, "queues");
    let configuration: Vec<u64> = (0..12).map(|at| bench.read(0x2000 + at, 1)).collect();
    let expected = [2, 0x53, 0x4b, 0, 0, 2, 1, 0, 1, 0, 0x8c, 0x05];
    assert_eq!(configuration, expected);
    bench.write(0x16, 2, 2);
    assert_eq!(bench.read(0x18, 2), 0, "there is no third queue");
}

#[test]
fn a_frame_is_sent_and_its_chain_returned() {
    let mut bench = bench();
    let frame: Vec<u8> = (0..200).collect();
    bench.send(&[0; 12], &frame);
    assert_eq!(
        bench.host.gateway.from_guest,
        [(frame, Checksum::Unchecked)]
    );
    assert_eq!(bench.used_of(TRANSMIT), 1);
    assert!(bench.take_interrupt(VECTOR + 1));
}

#[test]
fn a_missing_checksum_is_passed_on_if_that_was_agreed() {
    let header = [1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0];
    let mut agreed = bench();
    agreed.send(&header, &[0; 60]);
    let missing = Checksum::Missing {
        start: 34,
        offset: 16,
    };
    assert_eq!(agreed.host.gateway.from_guest, [(vec![0; 60], missing)]);
    let mut not_agreed = bench_with(1 << 32);
    not_agreed.send(&header, &[0; 60]);
    assert!(not_agreed.host.gateway.from_guest.is_empty());
    assert!(not_agreed.works());
}

#[test]
fn a_frame_arrives_behind_its_header() {
    let mut bench = bench();
    bench.offer_buffers(2, 1526);
    bench.arrive(1514, Checksum::Good);
    assert_eq!((bench.used(), bench.written(0)), (1, 1526));
    assert_eq!(bench.bytes(DATA), [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    assert_eq!(bench.bytes(DATA + 12 + 1512), [0xe8, 0xe9]);
    assert!(bench.take_interrupt(VECTOR));
    bench.arrive(60, Checksum::Unchecked);
    assert_eq!((bench.used(), bench.written(1)), (2, 72));
    assert_eq!(bench.bytes(DATA + 2048), [0]);
}

#[test]
fn nothing_is_said_of_checksums_that_the_driver_does_not_know() {
    let mut bench = bench_with(1 << 32);
    bench.offer_buffers(1, 1526);
    bench.arrive(60, Checksum::Good);
    assert_eq!(bench.bytes(DATA), [0]);
}

#[test]
fn the_gateway_is_woken_for_what_was_sent() {
    let mut bench = bench();
    bench.send(&[0; 12], &[7; 60]);
    assert_eq!(bench.host.gateway.announced, 1);
}

#[test]
fn what_is_no_frame_is_dropped_and_counted() {
    let mut bench = bench();
    let segmented = [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let wild_checksum = [1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0];
    let cases: [(&[u8], usize); 7] = [
        (&[0; 11], 0),
        (&[0; 12], 0),
        (&[0; 12], 13),
        (&[0; 12], 1515),
        (&[0; 12], 0xf000),
        (&segmented, 60),
        (&wild_checksum, 60),
    ];
    for (header, length) in cases {
        bench.send(header, &vec![0; length]);
    }
    assert!(bench.host.gateway.from_guest.is_empty());
    assert_eq!(bench.used_of(TRANSMIT), 7, "every chain comes back");
    assert_eq!(bench.host.log.len(), 3, "the first, second and fourth");
    assert!(bench.host.log[2].contains("4 frames dropped"));
    assert!(bench.works());
}

#[test]
fn wild_addresses_are_dropped_and_counted() {
    let mut bench = bench();
    let table = DESCRIPTORS + QUEUE_BYTES;
    for address in [u64::MAX, u64::MAX - 40, 0x40_0000, 0x3f_fff0] {
        bench.describe(table, 0, address, 100, 0);
        bench.offer(TRANSMIT, 0);
        bench.write(0x3000, 2, 1);
        bench.describe(DESCRIPTORS, 0, address, 1526, 2);
        bench.offer(RECEIVE, 0);
        bench.arrive(60, Checksum::Unchecked);
    }
    assert!(bench.host.gateway.from_guest.is_empty());
    assert_eq!((bench.used(), bench.used_of(TRANSMIT)), (4, 4));
    assert_eq!([0, 1, 2, 3].map(|index| bench.written(index)), [0; 4]);
    assert!(bench.works());
}

#[test]
fn buffers_that_are_too_small_come_back_empty() {
    let mut bench = bench();
    for length in [0, 11, 12, 71] {
        bench.describe(DESCRIPTORS, 0, DATA, length, 2);
        bench.offer(RECEIVE, 0);
        bench.arrive(60, Checksum::Unchecked);
    }
    // A buffer to read from is none.
    bench.describe(DESCRIPTORS, 0, DATA, 1526, 0);
    bench.offer(RECEIVE, 0);
    bench.arrive(60, Checksum::Unchecked);
    assert_eq!(bench.used(), 5);
    assert_eq!([0, 1, 2, 3, 4].map(|index| bench.written(index)), [0; 5]);
    assert!(bench.host.gateway.to_guest.is_empty());
    bench.offer_buffers(1, 72);
    bench.arrive(60, Checksum::Unchecked);
    assert_eq!(bench.written(5), 72);
}

#[test]
fn frames_wait_in_the_channel_until_there_are_buffers() {
    let mut bench = bench();
    bench.offer_buffers(2, 1526);
    assert!(!bench.notifications_wanted(RECEIVE));
    for _ in 0..3 {
        bench.arrive(60, Checksum::Unchecked);
    }
    assert_eq!((bench.used(), bench.host.gateway.to_guest.len()), (2, 1));
    assert!(bench.notifications_wanted(RECEIVE));
    bench.offer_buffers(2, 1526);
    assert_eq!((bench.used(), bench.host.gateway.to_guest.len()), (3, 0));
    assert!(!bench.notifications_wanted(RECEIVE));
}

#[test]
fn more_frames_than_the_queue_is_long_wait_for_the_next_buffer() {
    let mut bench = bench();
    let size = u16::try_from(bench.read(0x18, 2)).expect("the register has 16 bits");
    for _ in 0..=size {
        let frame = (vec![1; 60], Checksum::Unchecked);
        bench.host.gateway.to_guest.push_back(frame);
    }
    bench.offer_buffers(size, 1526);
    assert_eq!(bench.host.gateway.to_guest.len(), 1);
    assert!(bench.notifications_wanted(RECEIVE));
    bench.offer_buffers(1, 1526);
    assert!(bench.host.gateway.to_guest.is_empty());
}

#[test]
fn frames_wait_in_the_queue_until_there_is_room() {
    let mut bench = bench();
    bench.host.gateway.room = 1;
    bench.send(&[0; 12], &[1; 60]);
    bench.send(&[0; 12], &[2; 60]);
    assert_eq!(bench.used_of(TRANSMIT), 1);
    assert!(!bench.notifications_wanted(TRANSMIT), "they would not help");
    bench.host.gateway.room = 5;
    bench.complete();
    assert_eq!(bench.used_of(TRANSMIT), 2);
    assert!(bench.notifications_wanted(TRANSMIT));
}

#[test]
fn a_driver_that_wants_no_interrupts_gets_none() {
    let mut bench = bench();
    bench.put(AVAILABLE, &1u16.to_le_bytes());
    bench.put(AVAILABLE + QUEUE_BYTES, &1u16.to_le_bytes());
    bench.offer_buffers(1, 1526);
    bench.arrive(60, Checksum::Unchecked);
    assert!(bench.works());
    assert_eq!(bench.fabric.local_apic.deliverable(0), None);
}

#[test]
fn without_a_driver_frames_are_dropped_and_counted() {
    let mut bench = bench();
    bench.write(0x14, 1, 0);
    for _ in 0..5 {
        bench.arrive(60, Checksum::Unchecked);
    }
    assert!(bench.host.gateway.to_guest.is_empty());
    assert_eq!(bench.host.log.len(), 3);
    bench.restart(FEATURES);
    bench.offer_buffers(1, 1526);
    bench.arrive(60, Checksum::Unchecked);
    assert_eq!(bench.used(), 1);
}

#[test]
fn a_change_of_the_link_is_told() {
    const CONFIGURATION_VECTOR: u8 = 0x71;
    let mut bench = bench();
    for (offset, value) in [
        (0x4000, 0xfee0_0000),
        (0x4008, u64::from(CONFIGURATION_VECTOR)),
        (0x400c, 0),
    ] {
        bench.write(offset, 4, value);
    }
    bench.write(0x10, 2, 0);
    let generation = bench.read(0x15, 1);
    bench.complete();
    assert!(!bench.take_interrupt(CONFIGURATION_VECTOR));
    bench.host.gateway.link = Link {
        state: LinkState::Down,
        mtu: 1380,
    };
    bench.complete();
    assert!(bench.take_interrupt(CONFIGURATION_VECTOR));
    assert_eq!(bench.read(0x2006, 2), 0, "down");
    assert_eq!(bench.read(0x200a, 2), 1380);
    assert_eq!(bench.read(0x15, 1), generation + 1);
    bench.complete();
    assert!(!bench.take_interrupt(CONFIGURATION_VECTOR));
}

#[test]
fn broken_queues_stop_the_device_until_its_reset() {
    for queue in [RECEIVE, TRANSMIT] {
        let mut bench = bench();
        bench
            .host
            .gateway
            .to_guest
            .push_back((vec![0; 60], Checksum::Good));
        let at = u64::from(queue) * QUEUE_BYTES;
        // A loop.
        bench.put(DESCRIPTORS + at + 12, &[1, 0, 0, 0]);
        bench.offer(queue, 0);
        bench.write(0x3000, 2, u64::from(queue));
        assert_eq!(bench.read(0x14, 1) & 64, 64);
        assert_eq!(bench.used_of(queue), 0);
    }
}

#[test]
fn a_queue_that_is_not_enabled_is_left_alone() {
    let mut bench = bench();
    bench.write(0x14, 1, 0);
    bench.write(0x14, 1, 3);
    bench.write(0x08, 4, 1);
    bench.write(0x0c, 4, 1);
    bench.write(0x14, 1, 11);
    bench.write(0x14, 1, 15);
    bench.put(USED, &[0x55; 4]);
    bench
        .host
        .gateway
        .to_guest
        .push_back((vec![0; 60], Checksum::Good));
    bench.send(&[0; 12], &[0; 60]);
    assert!(bench.host.gateway.from_guest.is_empty());
    assert_eq!(bench.bytes(USED), [0x55; 4]);
    assert_eq!(bench.read(0x14, 1), 15);
}

#[test]
fn a_running_queue_does_not_change() {
    let mut bench = bench();
    bench.write(0x16, 2, u64::from(TRANSMIT));
    for (offset, size, value) in [(0x18, 2, 4), (0x20, 4, 0), (0x28, 8, 0), (0x1c, 2, 0)] {
        let before = bench.read(offset, size);
        bench.write(offset, size, value);
        assert_eq!(bench.read(offset, size), before);
    }
    assert!(bench.works());
}

proptest! {
    #[test]
    fn no_ring_content_makes_the_device_panic(
        table in proptest::collection::vec((0u64..0x40_1000, 0u32..0x2000, 0u16..8, 0u16..20), 16),
        heads in proptest::collection::vec((0u16..20, 0u16..2), 1..24),
        header in any::<[u8; 12]>(),
        ring in any::<[u8; 32]>(),
        lengths in proptest::collection::vec(14usize..1515, 8),
        features in 0u64..4,
    ) {
        let mut bench = bench_with(1 << 32 | features);
        bench.put(OUTGOING, &header);
        for (index, (address, length, flags, next)) in (0..).zip(&table) {
            let address = if index % 3 == 0 { OUTGOING } else { *address };
            for (at, bytes) in [(0, &address.to_le_bytes()[..]), (8, &length.to_le_bytes()), (12, &flags.to_le_bytes()), (14, &next.to_le_bytes())] {
                bench.put(DESCRIPTORS + index * 16 + at, bytes);
                bench.put(DESCRIPTORS + QUEUE_BYTES + index * 16 + at, bytes);
            }
        }
        for length in lengths {
            bench.arrive(length, Checksum::Good);
        }
        for (head, queue) in heads {
            bench.offer(queue, head);
            bench.write(0x3000, 2, u64::from(queue));
        }
        bench.put(AVAILABLE + QUEUE_BYTES, &ring);
        bench.complete();
        for (frame, _) in &bench.host.gateway.from_guest {
            prop_assert!((14..=1514).contains(&frame.len()));
        }
    }
}
