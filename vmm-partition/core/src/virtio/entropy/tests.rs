//! Buffers are filled, and differently each time.

use core::slice;

use super::Entropy;
use crate::{
    guest_memory::{GuestAddress, GuestMemory},
    host::Host,
    machine::test_host::TestHost,
    virtio::{device::Device, queue::Queue},
};

#[test]
fn a_buffer_is_filled_with_random_bytes() {
    let mut host = TestHost::new();
    let mut queue = Queue {
        size: 8,
        enabled: true,
        areas: [0x1000, 0x2000, 0x3000],
        ..Queue::new()
    };
    let put = |host: &mut TestHost, at, bytes: &[u8]| {
        assert_eq!(host.memory().write(GuestAddress(at), bytes), Ok(()));
    };
    put(&mut host, 0x1000, &0x8000u64.to_le_bytes());
    put(&mut host, 0x1008, &100u32.to_le_bytes());
    put(&mut host, 0x100c, &2u16.to_le_bytes());
    put(&mut host, 0x2002, &1u16.to_le_bytes());
    let mut entropy = Entropy::new([7; 32]);
    let served = entropy.process(slice::from_mut(&mut queue), 0, &mut host);
    assert_eq!(served, Ok(()));
    assert_eq!(queue.take_interrupt(host.memory()), Ok(true));
    assert_eq!(host.memory().read_u64(GuestAddress(0x3004)), Ok(100 << 32));
    let mut bytes = [0; 104];
    assert_eq!(host.memory().read(GuestAddress(0x8000), &mut bytes), Ok(()));
    assert_ne!(bytes[..50], bytes[50..100]);
    assert_eq!(bytes[100..], [0; 4]);
    let served = entropy.process(slice::from_mut(&mut queue), 0, &mut host);
    assert_eq!(served, Ok(()));
    assert_eq!(queue.take_interrupt(host.memory()), Ok(false));
}
