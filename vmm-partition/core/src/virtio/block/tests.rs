//! Requests that outlive a reset, and more pieces than slots. The driver's view is tested in `virtio::tests`.

use core::slice;

use super::Block;
use crate::{
    guest_memory::{GuestAddress, GuestMemory},
    host::Host,
    machine::test_host::TestHost,
    virtio::{device::Device, queue::Queue},
};

fn queue() -> Queue {
    Queue {
        size: 8,
        enabled: true,
        areas: [0x1000, 0x2000, 0x3000],
        ..Queue::new()
    }
}

fn put(host: &TestHost, address: u64, bytes: &[u8]) {
    assert_eq!(host.memory().write(GuestAddress(address), bytes), Ok(()));
}

/// Whether serving the queue returned something.
fn returned(block: &mut Block, queue: &mut Queue, host: &mut TestHost) -> bool {
    assert_eq!(block.process(slice::from_mut(queue), 0, host), Ok(()));
    queue.take_interrupt(host.memory()) == Ok(true)
}

/// A write of `bytes` bytes from 0x100000, as chain 0, made available `count` times.
fn offer_write(host: &TestHost, bytes: u32, count: u16) {
    put(host, 0x5000, &1u32.to_le_bytes());
    let rows = [
        (0x5000u64, 16u32, 1u16),
        (0x10_0000, bytes, 1),
        (0x6000, 1, 2),
    ];
    for (index, (address, length, flags)) in (0u16..).zip(rows) {
        let at = 0x1000 + u64::from(index) * 16;
        put(host, at, &address.to_le_bytes());
        put(host, at + 8, &length.to_le_bytes());
        put(host, at + 12, &flags.to_le_bytes());
        put(host, at + 14, &(index + 1).to_le_bytes());
    }
    put(host, 0x2002, &count.to_le_bytes());
}

#[test]
fn requests_of_before_a_reset_are_finished_but_not_answered() {
    let mut host = TestHost::new();
    let (mut block, mut before) = (Block::new(64, 4), queue());
    offer_write(&host, 4096, 1);
    assert!(!returned(&mut block, &mut before, &mut host));
    block.reset();
    put(&host, 0x2002, &0u16.to_le_bytes());
    let mut after = queue();
    assert!(!returned(&mut block, &mut after, &mut host));
    assert_eq!(host.memory().read_u16(GuestAddress(0x3002)), Ok(0));
    offer_write(&host, 4096, 1);
    assert!(!returned(&mut block, &mut after, &mut host));
    assert!(returned(&mut block, &mut after, &mut host));
}

#[test]
fn what_is_done_at_once_is_answered_at_once() {
    let mut host = TestHost::new();
    let (mut block, mut queue) = (Block::new(64, 4), queue());
    offer_write(&host, 4096, 1);
    host.volume.is_quick = true;
    assert!(returned(&mut block, &mut queue, &mut host));
    assert_eq!(host.memory().read_u16(GuestAddress(0x3002)), Ok(1));
}

#[test]
fn more_than_the_channel_holds_waits_its_turn() {
    let mut host = TestHost::new();
    let (mut block, mut queue) = (Block::new(64, 4), queue());
    put(&host, 0x10_0000, &[9; 48 * 4096]);
    offer_write(&host, 48 * 4096, 8);
    let mut turns = 0;
    while host.memory().read_u16(GuestAddress(0x3002)) != Ok(8) {
        let _ = returned(&mut block, &mut queue, &mut host);
        turns += 1;
        assert!(turns < 100, "all eight are answered");
    }
    assert_eq!(host.volume.content[48 * 4096 - 1], 9);
}
