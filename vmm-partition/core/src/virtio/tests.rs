//! A driver that sends requests to a volume; and drivers that break every rule.

use alloc::{vec, vec::Vec};

use proptest::prelude::*;

use super::{
    block::Block,
    entropy::Entropy,
    test_bench::{AVAILABLE, Bench, DATA, DESCRIPTORS, HEADER, STATUS, USED, VECTOR},
};
use crate::host::BlockError;

fn block_bench() -> Bench<Block> {
    let mut bench = Bench::new(Block::new(64, 4));
    bench.initialize(1 << 32 | 1 << 28 | 1 << 9 | 1 << 6 | 1 << 2);
    bench
}

impl Bench<Block> {
    /// Sends a request of three descriptors and answers its status.
    fn request(&mut self, kind: u32, sector: u64, length: u32, data_flags: u16) -> u8 {
        self.put(HEADER, &kind.to_le_bytes());
        self.put(HEADER + 8, &sector.to_le_bytes());
        self.put(STATUS, &[0xff]);
        self.describe(DESCRIPTORS, 0, HEADER, 16, 1);
        self.describe(DESCRIPTORS, 1, DATA, length, data_flags | 1);
        self.describe(DESCRIPTORS, 2, STATUS, 1, 2);
        self.submit(0);
        self.complete();
        self.complete();
        self.byte(STATUS)
    }
}

#[test]
fn structures_are_where_the_capabilities_say() {
    let bench = Bench::new(Block::new(64, 4));
    for (kind, offset) in [(1, 0), (2, 0x3000), (3, 0x1000), (4, 0x2000)] {
        let at = bench.capability(9, Some(kind));
        assert_eq!(bench.function.configuration.byte(at + 4), 0, "BAR 0");
        assert_eq!(bench.function.configuration.word(at + 8), offset);
    }
}

#[test]
fn the_volume_introduces_itself() {
    let mut bench = Bench::new(Block::new(64, 4));
    assert_eq!(bench.read(0x2000, 4), 64 * 8);
    assert_eq!(bench.read(0x2014, 4), 4096);
    assert_eq!(bench.read(0x12, 2), 1);
    assert_eq!(bench.function.configuration.word(0), 0x1042_1af4);
}

#[test]
fn features_that_are_not_offered_are_refused() {
    let mut bench = Bench::new(Block::new(64, 4));
    for features in [1 << 32 | 1 << 5, 1 << 9] {
        bench.write(0x14, 1, 0);
        for half in 0..2 {
            bench.write(0x08, 4, half);
            bench.write(0x0c, 4, (features >> (half * 32)) & 0xffff_ffff);
        }
        bench.write(0x14, 1, 11);
        assert_eq!(bench.read(0x14, 1) & 8, 0);
    }
}

#[test]
fn what_was_written_is_read_back_with_an_interrupt_each() {
    let mut bench = block_bench();
    bench.put(DATA, &[0xab; 8192]);
    assert_eq!(bench.request(1, 16, 8192, 0), 0);
    assert_eq!(bench.fabric.local_apic.deliverable(0), Some(VECTOR));
    assert_eq!(
        &bench.host.volume.content[2 * 4096..4 * 4096],
        &[0xab; 8192]
    );
    bench.put(DATA, &[0; 8192]);
    assert_eq!(bench.request(0, 16, 8192, 2), 0);
    assert_eq!((bench.byte(DATA), bench.byte(DATA + 8191)), (0xab, 0xab));
    assert_eq!(bench.used(), 2);
}

#[test]
fn large_requests_travel_in_pieces() {
    let mut bench = block_bench();
    bench.put(DATA, &[0x5c; 60 * 4096]);
    assert_eq!(bench.request(1, 8, 60 * 4096, 0), 0);
    assert_eq!(
        &bench.host.volume.content[4096..61 * 4096],
        &[0x5c; 60 * 4096]
    );
}

#[test]
fn flush_and_identification_work() {
    let mut bench = block_bench();
    assert_eq!(bench.request(4, 0, 0, 0), 0);
    assert_eq!(bench.host.volume.flushes, 1);
    assert_eq!(bench.request(8, 0, 20, 2), 0);
    assert_eq!(bench.byte(DATA), b's');
}

#[test]
fn impossible_requests_fail_alone() {
    let mut bench = block_bench();
    for (kind, sector, length, flags, status) in [
        (1, 1, 4096, 0, 1),
        (1, 0, 512, 0, 1),
        (0, 64 * 8, 4096, 2, 1),
        (0, u64::MAX - 7, 4096, 2, 1),
        (0, 63 * 8, 8192, 2, 1),
        (0, 0, 0, 2, 1),
        (99, 0, 4096, 2, 2),
    ] {
        assert_eq!(bench.request(kind, sector, length, flags), status);
    }
    bench.host.volume.fails_with = Some(BlockError::Integrity);
    assert_eq!(bench.request(0, 0, 4096, 2), 1);
    bench.host.volume.fails_with = None;
    assert_eq!(bench.request(0, 0, 4096, 2), 0);
    assert_eq!(bench.read(0x14, 1), 15, "the device goes on");
}

#[test]
fn data_outside_of_memory_fails_that_request() {
    let mut bench = block_bench();
    bench.put(HEADER, &1u32.to_le_bytes());
    bench.put(HEADER + 8, &0u64.to_le_bytes());
    bench.describe(DESCRIPTORS, 0, HEADER, 16, 1);
    bench.describe(DESCRIPTORS, 1, u64::MAX - 100, 4096, 1);
    bench.describe(DESCRIPTORS, 2, STATUS, 1, 2);
    bench.submit(0);
    bench.complete();
    assert_eq!(bench.byte(STATUS), 1);
}

#[test]
fn indirect_tables_are_read() {
    let mut bench = block_bench();
    let table = 0x1_4000;
    bench.put(HEADER, &4u32.to_le_bytes());
    bench.describe(table, 0, HEADER, 16, 1);
    bench.describe(table, 1, STATUS, 1, 2);
    bench.describe(DESCRIPTORS, 5, table, 32, 4);
    bench.submit(5);
    bench.complete();
    assert_eq!((bench.byte(STATUS), bench.host.volume.flushes), (0, 1));
}

/// Each way to break a queue: the first descriptors as (address, length, flags, next).
#[test]
fn broken_queues_stop_the_device_until_its_reset() {
    type Rows = Vec<(u64, u32, u16, u16)>;
    let cases: Vec<(u16, Rows)> = vec![
        (0, vec![(HEADER, 16, 1, 0)]),
        (0, vec![(HEADER, 16, 1, 99)]),
        (200, vec![]),
        (0, vec![(STATUS, 1, 3, 1), (HEADER, 16, 0, 0)]),
        (0, vec![(0x1_4000, 0, 4, 0)]),
        (0, vec![(0x1_4000, 17, 4, 0)]),
        (0, vec![(0x1_4000, u32::MAX, 4, 0)]),
        (0, vec![(0x1_4000, 32, 5, 1)]),
        (0, vec![(u64::MAX - 8, 32, 4, 0)]),
        (0, vec![(HEADER, 16, 0, 0)]),
        (0, vec![(HEADER, 8, 1, 1), (STATUS, 1, 2, 0)]),
    ];
    for (head, rows) in cases {
        let mut bench = block_bench();
        for (index, (address, length, flags, next)) in (0..).zip(&rows) {
            bench.describe(DESCRIPTORS, index, *address, *length, *flags);
            let at = DESCRIPTORS + u64::from(index) * 16 + 14;
            bench.put(at, &next.to_le_bytes());
        }
        bench.submit(head);
        bench.complete();
        assert_eq!(bench.read(0x14, 1) & 64, 64, "{rows:?}");
        assert_eq!(bench.used(), 0);
        bench.available = [0; 2];
        bench.put(AVAILABLE + 2, &[0, 0]);
        bench.put(USED + 2, &[0, 0]);
        bench.initialize(1 << 32);
        assert_eq!(bench.request(4, 0, 0, 0), 0, "it works after a reset");
    }
}

#[test]
fn an_index_that_runs_ahead_is_an_error() {
    let mut bench = block_bench();
    bench.put(AVAILABLE + 2, &1000u16.to_le_bytes());
    bench.write(0x3000, 2, 0);
    assert_eq!(bench.read(0x14, 1) & 64, 64);
}

#[test]
fn without_msix_the_line_is_raised_until_the_status_is_read() {
    let mut bench = block_bench();
    let capability = bench.capability(0x11, None);
    bench.function.configuration.write_byte(capability + 3, 0);
    bench.function.configuration.write_byte(5, 0);
    bench.fabric.io_apic_write(0, 0x10 + 16 * 2);
    bench.fabric.io_apic_write(0x10, 0x8071);
    assert_eq!(bench.request(4, 0, 0, 0), 0);
    assert_eq!(bench.fabric.local_apic.deliverable(0), Some(0x71));
    assert_eq!(bench.function.configuration.byte(6) & 8, 8);
    assert_eq!(bench.read(0x1000, 1), 1);
    assert_eq!(bench.read(0x1000, 1), 0);
    assert_eq!(bench.function.configuration.byte(6) & 8, 0);
}

#[test]
fn both_messages_come_when_the_function_is_unmasked() {
    const CONFIGURATION_VECTOR: u8 = 0x71;
    let mut bench = block_bench();
    for (offset, value) in [
        (0x4000, 0xfee0_0000),
        (0x4008, u64::from(CONFIGURATION_VECTOR)),
        (0x400c, 0),
    ] {
        bench.write(offset, 4, value);
    }
    bench.write(0x10, 2, 0);
    let control = bench.capability(0x11, None) + 3;
    bench.function.configuration.write_byte(control, 0xc0);
    assert_eq!(bench.request(4, 0, 0, 0), 0);
    // The driver breaks its queue: that is told as a change of the configuration.
    bench.put(AVAILABLE + 2, &1000u16.to_le_bytes());
    bench.write(0x3000, 2, 0);
    assert_eq!(bench.fabric.local_apic.deliverable(0), None);
    bench.function.configuration.write_byte(control, 0x80);
    bench.function.configuration_written(&mut bench.fabric);
    for vector in [CONFIGURATION_VECTOR, VECTOR] {
        assert_eq!(bench.fabric.local_apic.deliverable(0), Some(vector));
        bench.fabric.local_apic.begin_service(vector);
        bench.fabric.end_of_interrupt();
    }
}

#[test]
fn a_function_without_bus_mastering_touches_no_memory() {
    let mut bench = block_bench();
    bench.function.configuration.write_byte(4, 0x02);
    assert_eq!(bench.request(4, 0, 0, 0), 0xff);
}

proptest! {
    #[test]
    fn no_ring_content_makes_a_device_panic(
        table in proptest::collection::vec((0u64..0x40_1000, 0u32..0x2_0000, 0u16..8, 0u16..20), 16),
        heads in proptest::collection::vec(0u16..20, 1..16),
        ring in any::<[u8; 32]>(),
        kind in 0u32..10,
        sector in 0u64..600,
    ) {
        let mut block = block_bench();
        let mut entropy = Bench::new(Entropy::new([0; 32]));
        entropy.initialize(1 << 32);
        block.put(HEADER, &kind.to_le_bytes());
        block.put(HEADER + 8, &sector.to_le_bytes());
        for (index, (address, length, flags, next)) in (0..).zip(&table) {
            let address = if index % 3 == 0 { HEADER } else { *address };
            for (at, bytes) in [(0, &address.to_le_bytes()[..]), (8, &length.to_le_bytes()), (12, &flags.to_le_bytes()), (14, &next.to_le_bytes())] {
                block.put(DESCRIPTORS + index * 16 + at, bytes);
                entropy.put(DESCRIPTORS + index * 16 + at, bytes);
            }
        }
        for head in heads {
            block.submit(head);
            entropy.submit(head);
            block.complete();
        }
        block.put(AVAILABLE, &ring);
        block.write(0x3000, 2, 0);
        block.complete();
        block.write(0x14, 1, 0);
        block.complete();
        prop_assert_eq!(block.read(0x14, 1), 0);
    }

    #[test]
    fn no_register_access_makes_a_device_panic(
        accesses in proptest::collection::vec((0u64..0x5000, 0usize..4, any::<u64>(), any::<bool>()), 1..80),
    ) {
        let mut bench = Bench::new(Block::new(64, 4));
        for (offset, size, value, is_write) in accesses {
            let size = 1 << size;
            if is_write {
                bench.write(offset, size, value);
            } else {
                let _ = bench.read(offset, size);
            }
        }
    }
}
