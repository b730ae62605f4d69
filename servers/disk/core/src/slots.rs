//! The queue of requests, each of a fixed shape.
//!
//! Every request owns a slot of three descriptors, a header and a status byte: the chains are laid out so that
//! slot n uses descriptors 3n to 3n+2. So there is no free list that the device could confuse.

use dma::{DmaError, DmaRegion};
use shared_memory::AccessError;
use virtio::{BrokenRing, Data, Direction, Queue, StartError, Transport, start};

/// Entries of the queue, if the device allows as many.
pub const QUEUE_SIZE: u16 = 128;
/// Requests that can be in flight on a full-sized queue.
pub const SLOTS: usize = (QUEUE_SIZE as usize) / DESCRIPTORS_PER_SLOT;
/// Bytes of memory that the queue needs.
pub const MEMORY_SIZE: usize = 8192;

const DESCRIPTORS_PER_SLOT: usize = 3;
const HEADER_SIZE: usize = 16;

/// The device's only queue, and the entry of the MSI-X table by which it interrupts.
const QUEUE: u16 = 0;
const INTERRUPT: u16 = 0;

/// A slot of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) usize);

/// A finished request as the device reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) slot: Slot,
    /// Bytes that the device says it wrote.
    pub(crate) written: u32,
}

/// The queue with the memory of its slots.
pub(crate) struct Slots {
    queue: Queue,
    headers: DmaRegion,
    statuses: DmaRegion,
}

impl Slots {
    /// Sets the device's queue up in `memory`.
    pub(crate) fn start(
        transport: &mut impl Transport,
        mut memory: DmaRegion,
    ) -> Result<Self, StartError> {
        let headers = memory.take(SLOTS * HEADER_SIZE, 16);
        let headers = headers.map_err(StartError::Memory)?;
        let statuses = memory.take(SLOTS, 1).map_err(StartError::Memory)?;
        // Three descriptors make a slot.
        let sizes = 4..=QUEUE_SIZE;
        let queue = start::start_queue(transport, &mut memory, QUEUE, sizes, INTERRUPT)?;
        Ok(Self {
            queue,
            headers,
            statuses,
        })
    }

    /// Slots of the queue.
    pub(crate) fn count(&self) -> usize {
        usize::from(self.queue.size()) / DESCRIPTORS_PER_SLOT
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
    pub(crate) fn take_finished(
        &mut self,
        in_flight: usize,
    ) -> Result<Option<Finished>, BrokenRing> {
        let Some(used) = self.queue.take_used(in_flight)? else {
            return Ok(None);
        };
        let head = usize::from(used.head);
        let slot = Slot(head / DESCRIPTORS_PER_SLOT);
        if !head.is_multiple_of(DESCRIPTORS_PER_SLOT) || slot.0 >= self.count() {
            return Err(BrokenRing);
        }
        let written = used.written;
        Ok(Some(Finished { slot, written }))
    }

    fn write_request(
        &mut self,
        slot: Slot,
        header: &[u8; HEADER_SIZE],
        data: Option<Data>,
    ) -> Result<(), AccessError> {
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
        let first = number(slot.0 * DESCRIPTORS_PER_SLOT);
        let last = first + 2;
        match data {
            Some(data) => {
                self.queue
                    .write_descriptor(first, &header, Some(first + 1))?;
                self.queue.write_descriptor(first + 1, &data, Some(last))?;
            }
            None => self.queue.write_descriptor(first, &header, Some(last))?,
        }
        self.queue.write_descriptor(last, &status, None)?;
        self.queue.make_available(first)
    }
}

/// A descriptor's number; there are at most [`QUEUE_SIZE`].
fn number(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(0)
}
