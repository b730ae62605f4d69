//! A split virtqueue (virtio 1.2, section 2.7): descriptors, the available ring, the used ring.
//!
//! Which descriptors make a chain is the driver's to fix once: there is no free list that the device could
//! confuse.

use core::sync::atomic::{Ordering, fence};

use dma::{DmaError, DmaRegion};
use shared_memory::AccessError;

use crate::transport::QueueAddresses;

/// Bytes of a descriptor.
const DESCRIPTOR_SIZE: usize = 16;

/// Descriptor flags (section 2.7.5).
const NEXT: u16 = 1;
const DEVICE_WRITES: u16 = 2;

/// Flag of the available ring: no interrupts, please (section 2.7.6).
const NO_INTERRUPT: u16 = 1;

/// Flag of the used ring: no notifications, please (section 2.7.10).
const NO_NOTIFICATION: u16 = 1;

/// What the device does with a piece of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It reads.
    DeviceReads,
    /// It writes.
    DeviceWrites,
}

/// A piece of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data {
    /// Its physical address.
    pub address: u64,
    /// Bytes.
    pub length: u32,
    /// What the device does with it.
    pub direction: Direction,
}

/// A finished chain as the device reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// The chain's first descriptor: a number below the queue's size, not necessarily of a chain that the device had.
    pub head: u16,
    /// Bytes that the device says it wrote.
    pub written: u32,
}

/// Whether the device interrupts when it has finished something. A wish: it may interrupt all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupts {
    /// It does.
    Wanted,
    /// It need not.
    Unwanted,
}

/// The device wrote something that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenRing;

/// The memory of a queue.
pub struct Queue {
    size: u16,
    descriptors: DmaRegion,
    available: DmaRegion,
    used: DmaRegion,
    /// Chains made available so far.
    next_available: u16,
    /// Chains taken back so far.
    next_used: u16,
}

impl Queue {
    /// Bytes of memory that a queue of `size` entries takes at most.
    #[must_use]
    pub const fn memory_size(size: usize) -> usize {
        let alignment = 16 + 2 + 4;
        size * DESCRIPTOR_SIZE + (6 + 2 * size) + (6 + 8 * size) + alignment
    }

    /// Cuts a queue of `size` entries (a power of two) from `memory`.
    ///
    /// # Errors
    ///
    /// There is not enough of it.
    pub fn new(memory: &mut DmaRegion, size: u16) -> Result<Self, DmaError> {
        let entries = usize::from(size);
        let queue = Self {
            size,
            descriptors: memory.take(entries * DESCRIPTOR_SIZE, 16)?,
            available: memory.take(6 + 2 * entries, 2)?,
            used: memory.take(6 + 8 * entries, 4)?,
            next_available: 0,
            next_used: 0,
        };
        for part in [&queue.descriptors, &queue.available, &queue.used] {
            part.fill_at(0, part.len(), 0)
                .map_err(|_| DmaError::Exhausted)?;
        }
        Ok(queue)
    }

    /// Entries.
    #[must_use]
    pub fn size(&self) -> u16 {
        self.size
    }

    /// Where its parts lie for the device.
    #[must_use]
    pub fn addresses(&self) -> QueueAddresses {
        QueueAddresses {
            descriptors: self.descriptors.device_address(),
            available: self.available.device_address(),
            used: self.used.device_address(),
        }
    }

    /// Writes descriptor number `index`, and which one follows it in its chain.
    ///
    /// # Errors
    ///
    /// There is no such descriptor.
    #[inline]
    pub fn write_descriptor(
        &self,
        index: u16,
        data: &Data,
        next: Option<u16>,
    ) -> Result<(), AccessError> {
        let place = usize::from(index) * DESCRIPTOR_SIZE;
        let mut flags = match data.direction {
            Direction::DeviceReads => 0,
            Direction::DeviceWrites => DEVICE_WRITES,
        };
        if next.is_some() {
            flags |= NEXT;
        }
        let links = u32::from(flags) | u32::from(next.unwrap_or(0)) << 16;
        let rest = u64::from(data.length) | u64::from(links) << 32;
        self.descriptors.write_u64_at(place, data.address)?;
        self.descriptors.write_u64_at(place + 8, rest)
    }

    /// Gives the chain that begins with descriptor `head` to the device.
    ///
    /// # Errors
    ///
    /// Never: the ring has a place for each number.
    #[inline]
    pub fn make_available(&mut self, head: u16) -> Result<(), AccessError> {
        let entry = 4 + 2 * usize::from(self.next_available & (self.size - 1));
        self.available.write_u16_at(entry, head)?;
        self.next_available = self.next_available.wrapping_add(1);
        // Stores become visible in order on x86, so the device sees the chain before the index.
        self.available.write_u16_at(2, self.next_available)
    }

    /// Takes the next finished chain, if there is one. The device has `in_flight` of them.
    ///
    /// # Errors
    ///
    /// The device reports what it does not have, as far as that can be seen here: the caller knows which
    /// chains are in flight.
    #[inline]
    pub fn take_used(&mut self, in_flight: usize) -> Result<Option<Used>, BrokenRing> {
        let index = self.used.read_u16_at(2).map_err(|_| BrokenRing)?;
        let finished = index.wrapping_sub(self.next_used);
        if finished == 0 {
            return Ok(None);
        }
        if usize::from(finished) > in_flight {
            return Err(BrokenRing);
        }
        let element = 4 + 8 * usize::from(self.next_used & (self.size - 1));
        let id = self.used.read_u32_at(element).map_err(|_| BrokenRing)?;
        let written = self.used.read_u32_at(element + 4).map_err(|_| BrokenRing)?;
        self.next_used = self.next_used.wrapping_add(1);
        match u16::try_from(id) {
            Ok(head) if head < self.size => Ok(Some(Used { head, written })),
            _ => Err(BrokenRing),
        }
    }

    /// Whether the device wants to be told of chains made available before.
    #[must_use]
    pub fn wants_notification(&self) -> bool {
        // Either the device sees the chains after it has asked for notifications, or we see that it asks.
        fence(Ordering::SeqCst);
        let flags = self.used.read_u16_at(0).unwrap_or(0);
        flags & NO_NOTIFICATION == 0
    }

    /// Says whether the device shall interrupt. What it finished before it sees that is only found by looking.
    ///
    /// # Errors
    ///
    /// Never: the ring has flags.
    pub fn set_interrupts(&self, interrupts: Interrupts) -> Result<(), AccessError> {
        let flags = match interrupts {
            Interrupts::Wanted => 0,
            Interrupts::Unwanted => NO_INTERRUPT,
        };
        self.available.write_u16_at(0, flags)?;
        // What is looked for next is looked for after the device can know the wish.
        fence(Ordering::SeqCst);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared_memory::RegionWriter;

    use super::*;

    const AT: u64 = 0x10_0000;

    fn queue(size: u16) -> (RegionWriter, Queue) {
        let memory = RegionWriter::simulated(Queue::memory_size(size.into()), Some(AT));
        let mut region = DmaRegion::new(memory).expect("it has an address");
        let queue = Queue::new(&mut region, size).expect("it is large enough");
        (memory, queue)
    }

    fn place(address: u64) -> usize {
        usize::try_from(address - AT).expect("inside")
    }

    #[test]
    fn the_layout_is_the_specification_s() {
        let (memory, mut queue) = queue(8);
        let at = queue.addresses();
        let data = Data {
            address: 0x1_2345_6789,
            length: 77,
            direction: Direction::DeviceWrites,
        };
        queue.write_descriptor(3, &data, Some(5)).expect("inside");
        let descriptor = place(at.descriptors) + 3 * 16;
        assert_eq!(memory.read_u64_at(descriptor), Ok(0x1_2345_6789));
        assert_eq!(memory.read_u32_at(descriptor + 8), Ok(77));
        assert_eq!(memory.read_u16_at(descriptor + 12), Ok(3));
        assert_eq!(memory.read_u16_at(descriptor + 14), Ok(5));
        assert!(queue.write_descriptor(8, &data, None).is_err());
        for head in 0..9 {
            queue.make_available(head).expect("it wraps");
        }
        assert_eq!(memory.read_u16_at(place(at.available) + 2), Ok(9));
        assert_eq!(memory.read_u16_at(place(at.available) + 4), Ok(8));
        queue.set_interrupts(Interrupts::Unwanted).expect("inside");
        assert_eq!(memory.read_u16_at(place(at.available)), Ok(1));
    }

    #[test]
    fn what_cannot_be_is_noticed() {
        let (memory, mut queue) = queue(8);
        let used = place(queue.addresses().used);
        let report = |index: u16, id: u32| {
            let element = used + 4 + 8 * usize::from((index - 1) % 8);
            memory.write_u32_at(element, id).expect("inside");
            memory.write_u32_at(element + 4, 9).expect("inside");
            memory.write_u16_at(used + 2, index).expect("inside");
        };
        assert_eq!(queue.take_used(1), Ok(None));
        report(1, 7);
        let seven = Used {
            head: 7,
            written: 9,
        };
        assert_eq!(queue.take_used(1), Ok(Some(seven)));
        // More than is in flight; a descriptor that does not exist.
        report(2, 0);
        assert_eq!(queue.take_used(0), Err(BrokenRing));
        for id in [8, 0x1_0000, u32::MAX] {
            report(2, id);
            assert_eq!(queue.take_used(1), Err(BrokenRing));
            queue.next_used -= 1;
        }
    }

    proptest! {
        #[test]
        fn no_device_reports_more_than_it_has(
            scribbles in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..200),
            in_flight in 0usize..9,
        ) {
            let (memory, mut queue) = queue(8);
            let mut left = in_flight;
            for (place, byte) in scribbles {
                memory.write_u8_at(place.index(memory.len()), byte).expect("inside");
                while let Ok(Some(used)) = queue.take_used(left) {
                    prop_assert!(used.head < 8 && left > 0);
                    left -= 1;
                }
            }
        }
    }
}
