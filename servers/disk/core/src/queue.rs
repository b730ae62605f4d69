//! A split virtqueue (virtio 1.2, section 2.7) whose requests have a fixed shape.
//!
//! Every request owns a slot of three descriptors, a header and a status byte: the chains are laid out so that
//! slot n uses descriptors 3n to 3n+2. So there is no free list that the device could confuse.

use dma::{DmaError, DmaRegion};

use crate::transport::QueueAddresses;

/// Entries of the queue, if the device allows as many.
pub const QUEUE_SIZE: u16 = 128;
/// Requests that can be in flight on a full-sized queue.
pub const SLOTS: usize = (QUEUE_SIZE as usize) / DESCRIPTORS_PER_SLOT;
/// Bytes of memory that the queue needs.
pub const MEMORY_SIZE: usize = 8192;

const DESCRIPTORS_PER_SLOT: usize = 3;
const DESCRIPTOR_SIZE: usize = 16;
const HEADER_SIZE: usize = 16;

/// Descriptor flags (section 2.7.5).
const NEXT: u16 = 1;
const DEVICE_WRITES: u16 = 2;

/// A slot of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) usize);

/// What the device does with a piece of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    DeviceReads,
    DeviceWrites,
}

/// Memory for a request's data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Data {
    pub(crate) address: u64,
    pub(crate) length: u32,
    pub(crate) direction: Direction,
}

/// A finished request as the device reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) slot: Slot,
    /// Bytes that the device says it wrote.
    pub(crate) written: u32,
}

/// The device wrote something that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BrokenRing;

/// The memory of a queue.
pub(crate) struct Queue {
    size: u16,
    descriptors: DmaRegion,
    available: DmaRegion,
    used: DmaRegion,
    headers: DmaRegion,
    statuses: DmaRegion,
    /// Requests made available so far.
    next_available: u16,
    /// Requests taken back so far.
    next_used: u16,
}

impl Queue {
    /// Lays a queue of `size` entries (a power of two, at most [`QUEUE_SIZE`]) out in `memory`.
    pub(crate) fn new(mut memory: DmaRegion, size: u16) -> Result<Self, DmaError> {
        let entries = usize::from(size);
        let slots = entries / DESCRIPTORS_PER_SLOT;
        let queue = Self {
            size,
            descriptors: memory.take(entries * DESCRIPTOR_SIZE, 16)?,
            available: memory.take(6 + 2 * entries, 2)?,
            used: memory.take(6 + 8 * entries, 4)?,
            headers: memory.take(slots * HEADER_SIZE, 16)?,
            statuses: memory.take(slots, 1)?,
            next_available: 0,
            next_used: 0,
        };
        for part in [&queue.descriptors, &queue.available, &queue.used] {
            part.fill_at(0, part.len(), 0)
                .map_err(|_| DmaError::Exhausted)?;
        }
        Ok(queue)
    }

    /// Slots of the queue.
    pub(crate) fn slots(&self) -> usize {
        self.statuses.len()
    }

    pub(crate) fn addresses(&self) -> QueueAddresses {
        QueueAddresses {
            descriptors: self.descriptors.device_address(),
            available: self.available.device_address(),
            used: self.used.device_address(),
        }
    }

    /// Writes a request into a free slot and makes it available to the device.
    pub(crate) fn make_available(
        &mut self,
        slot: Slot,
        header: &[u8; HEADER_SIZE],
        data: Option<Data>,
    ) -> Result<(), DmaError> {
        self.write_request(slot, header, data)
            .map_err(|_| DmaError::Exhausted)
    }

    /// The status byte that the device left in a slot.
    pub(crate) fn status(&self, slot: Slot) -> u8 {
        self.statuses.read_u8_at(slot.0).unwrap_or(u8::MAX)
    }

    /// Takes the next finished request, if there is one. `in_flight` requests are.
    pub(crate) fn take_used(&mut self, in_flight: usize) -> Result<Option<Used>, BrokenRing> {
        let index = self.used.read_u16_at(2).map_err(|_| BrokenRing)?;
        let finished = index.wrapping_sub(self.next_used);
        if finished == 0 {
            return Ok(None);
        }
        if usize::from(finished) > in_flight {
            return Err(BrokenRing);
        }
        let element = 4 + 8 * usize::from(self.next_used % self.size);
        let id = self.used.read_u32_at(element).map_err(|_| BrokenRing)?;
        let written = self.used.read_u32_at(element + 4).map_err(|_| BrokenRing)?;
        self.next_used = self.next_used.wrapping_add(1);
        let id = usize::try_from(id).map_err(|_| BrokenRing)?;
        let slot = Slot(id / DESCRIPTORS_PER_SLOT);
        if !id.is_multiple_of(DESCRIPTORS_PER_SLOT) || slot.0 >= self.slots() {
            return Err(BrokenRing);
        }
        Ok(Some(Used { slot, written }))
    }

    fn write_request(
        &mut self,
        slot: Slot,
        header: &[u8; HEADER_SIZE],
        data: Option<Data>,
    ) -> Result<(), shared_memory::AccessError> {
        let header_place = slot.0 * HEADER_SIZE;
        self.headers.write_at(header_place, header)?;
        // A status that no device writes, so that one that writes none is noticed.
        self.statuses.write_u8_at(slot.0, u8::MAX)?;
        let header = Data {
            address: self.headers.device_address() + header_place as u64,
            length: 16,
            direction: Direction::DeviceReads,
        };
        let status = Data {
            address: self.statuses.device_address() + slot.0 as u64,
            length: 1,
            direction: Direction::DeviceWrites,
        };
        let first = slot.0 * DESCRIPTORS_PER_SLOT;
        self.write_descriptor(first, &header, Some(if data.is_some() { 1 } else { 2 }))?;
        if let Some(data) = data {
            self.write_descriptor(first + 1, &data, Some(1))?;
        }
        self.write_descriptor(first + 2, &status, None)?;

        let entry = 4 + 2 * usize::from(self.next_available % self.size);
        self.available.write_u16_at(entry, number(first))?;
        self.next_available = self.next_available.wrapping_add(1);
        // Stores become visible in order on x86, so the device sees the request before the index.
        self.available.write_u16_at(2, self.next_available)
    }

    fn write_descriptor(
        &self,
        index: usize,
        data: &Data,
        steps_to_next: Option<usize>,
    ) -> Result<(), shared_memory::AccessError> {
        let place = index * DESCRIPTOR_SIZE;
        let mut flags = match data.direction {
            Direction::DeviceReads => 0,
            Direction::DeviceWrites => DEVICE_WRITES,
        };
        if steps_to_next.is_some() {
            flags |= NEXT;
        }
        let next = number(index + steps_to_next.unwrap_or(0));
        self.descriptors.write_u64_at(place, data.address)?;
        self.descriptors.write_u32_at(place + 8, data.length)?;
        self.descriptors.write_u16_at(place + 12, flags)?;
        self.descriptors.write_u16_at(place + 14, next)
    }
}

/// A descriptor's number; there are at most [`QUEUE_SIZE`].
fn number(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(0)
}
