//! A driver written for the tests: it finds the structures through the capability list, negotiates, sets the
//! queues up, and makes chains available.

use super::{Access, Device, VirtioFunction};
use crate::{
    guest_memory::{GuestAddress, GuestMemory},
    host::Host,
    interrupt::Fabric,
    machine::test_host::TestHost,
};

pub(super) const DESCRIPTORS: u64 = 0x1_0000;
pub(super) const AVAILABLE: u64 = 0x1_1000;
pub(super) const USED: u64 = 0x1_2000;
pub(super) const HEADER: u64 = 0x1_3000;
pub(super) const STATUS: u64 = 0x1_3100;
pub(super) const DATA: u64 = 0x2_0000;
pub(super) const QUEUE_SIZE: u16 = 16;
/// Vector of queue 0; queue n has this + n.
pub(super) const VECTOR: u8 = 0x61;
/// Where the areas of a queue lie behind those of the one before.
pub(super) const QUEUE_BYTES: u64 = 0x10_0000;

/// A device on its bus and the driver's view of it.
pub(super) struct Bench<D> {
    pub(super) function: VirtioFunction<D>,
    pub(super) fabric: Fabric,
    pub(super) host: TestHost,
    pub(super) base: u64,
    pub(super) available: [u16; 2],
}

impl<D: Device> Bench<D> {
    pub(super) fn new(device: D) -> Self {
        let mut function = VirtioFunction::new(device, 1);
        // Memory, bus master, no INTx.
        function.configuration.write_byte(4, 0x06);
        function.configuration.write_byte(5, 0x04);
        let mut fabric = Fabric::new();
        let clock = crate::clock::Clock::new(1_000_000, 0, 0);
        assert!(fabric.local_apic.write(0x0f, 0x1ff, &clock, 0).is_ok());
        let base = function.configuration.bar(0);
        Self {
            function,
            fabric,
            host: TestHost::new(),
            base,
            available: [0; 2],
        }
    }

    pub(super) fn access(&self, offset: u64) -> Access {
        match self.function.claim(self.base + offset) {
            Some(access) => access,
            None => panic!("nobody answers at {offset:#x}"),
        }
    }

    pub(super) fn read(&mut self, offset: u64, size: usize) -> u64 {
        let access = self.access(offset);
        self.function.read(access, size, &mut self.fabric)
    }

    pub(super) fn write(&mut self, offset: u64, size: usize, value: u64) {
        let access = self.access(offset);
        self.function
            .write(access, size, value, &mut self.fabric, &mut self.host);
    }

    /// Steps 1 to 8 of section 3.1.1 with MSI-X.
    pub(super) fn initialize(&mut self, features: u64) {
        self.write(0x14, 1, 0);
        self.write(0x14, 1, 1);
        self.write(0x14, 1, 3);
        for half in 0..2 {
            self.write(0x08, 4, half);
            self.write(0x0c, 4, (features >> (half * 32)) & 0xffff_ffff);
        }
        self.write(0x14, 1, 11);
        assert_eq!(self.read(0x14, 1), 11, "features are accepted");
        // Enable MSI-X, one entry and vector for each queue.
        let capability = self.capability(0x11, None);
        self.function.configuration.write_byte(capability + 3, 0x80);
        for queue in 0..D::QUEUES {
            self.set_up(queue);
        }
        self.write(0x14, 1, 15);
    }

    /// Gives `queue` its message, size and places.
    fn set_up(&mut self, queue: u16) {
        let number = u64::from(queue);
        let (entry, vector) = (0x4010 + number * 16, u64::from(VECTOR) + number);
        for (offset, value) in [(0, 0xfee0_0000), (4, 0), (8, vector), (12, 0)] {
            self.write(entry + offset, 4, value);
        }
        self.write(0x16, 2, number);
        self.write(0x18, 2, u64::from(QUEUE_SIZE));
        self.write(0x1a, 2, number + 1);
        for (offset, area) in [(0x20, DESCRIPTORS), (0x28, AVAILABLE), (0x30, USED)] {
            self.write(offset, 4, area + number * QUEUE_BYTES);
            self.write(offset + 4, 4, 0);
        }
        self.write(0x1c, 2, 1);
    }

    /// Offset of a capability, of a virtio structure if `kind` says which.
    pub(super) fn capability(&self, identification: u8, kind: Option<u8>) -> u8 {
        let configuration = &self.function.configuration;
        let mut at = configuration.byte(0x34);
        while at != 0 {
            let matches = kind.is_none_or(|kind| configuration.byte(at + 3) == kind);
            if configuration.byte(at) == identification && matches {
                return at;
            }
            at = configuration.byte(at + 1);
        }
        panic!("no capability {identification:#x}, {kind:?}");
    }

    pub(super) fn put(&self, address: u64, bytes: &[u8]) {
        assert_eq!(
            self.host.memory().write(GuestAddress(address), bytes),
            Ok(())
        );
    }

    pub(super) fn byte(&self, address: u64) -> u8 {
        let mut byte = [0];
        assert_eq!(
            self.host.memory().read(GuestAddress(address), &mut byte),
            Ok(())
        );
        byte[0]
    }

    pub(super) fn describe(&self, table: u64, index: u16, address: u64, length: u32, flags: u16) {
        let at = table + u64::from(index) * 16;
        self.put(at, &address.to_le_bytes());
        self.put(at + 8, &length.to_le_bytes());
        self.put(at + 12, &flags.to_le_bytes());
        self.put(at + 14, &(index + 1).to_le_bytes());
    }

    /// Makes the chain at `head` of queue 0 available and notifies.
    pub(super) fn submit(&mut self, head: u16) {
        self.offer(0, head);
        self.write(0x3000, 2, 0);
    }

    /// Makes the chain at `head` of `queue` available.
    pub(super) fn offer(&mut self, queue: u16, head: u16) {
        let ring = AVAILABLE + u64::from(queue) * QUEUE_BYTES;
        let count = &mut self.available[usize::from(queue)];
        let slot = u64::from(*count % QUEUE_SIZE);
        *count += 1;
        let count = *count;
        self.put(ring + 4 + slot * 2, &head.to_le_bytes());
        self.put(ring + 2, &count.to_le_bytes());
    }

    /// Chains of queue 0 that were returned.
    pub(super) fn used(&self) -> u16 {
        self.used_of(0)
    }

    /// Chains of `queue` that were returned.
    pub(super) fn used_of(&self, queue: u16) -> u16 {
        let ring = USED + u64::from(queue) * QUEUE_BYTES;
        self.host
            .memory()
            .read_u16(GuestAddress(ring + 2))
            .unwrap_or(0)
    }

    pub(super) fn complete(&mut self) {
        self.function.process(&mut self.fabric, &mut self.host);
    }
}
