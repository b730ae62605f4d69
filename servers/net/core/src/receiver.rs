//! Frames that come in: one buffer of the receive queue for each.
//!
//! Buffer n is descriptor n, for ever. Merged buffers (`MRG_RXBUF`) would save memory only for frames larger than
//! an Ethernet's, so they are not asked for.

use dma::{DmaError, DmaRegion};
use shared_memory::{AccessError, RegionReader};
use virtio::{BrokenRing, Data, Direction, Queue};

use crate::driver::QUEUE_SIZE;

/// Bytes for a frame and the device's header.
pub(crate) const BUFFER_SIZE: usize = 2048;
/// The device's header (section 5.1.6): with virtio 1 it always has its last field.
pub(crate) const HEADER_SIZE: usize = 12;

/// Flags of that header: the checksum was checked, or was never on a wire and is left for us.
const NEEDS_CHECKSUM: u8 = 1;
const CHECKSUM_IS_GOOD: u8 = 2;

/// A frame that came in. It keeps its buffer until it is recycled.
#[derive(Debug, PartialEq, Eq)]
pub struct Received {
    buffer: u16,
    /// Bytes of the frame.
    pub length: usize,
    /// Whether the device vouches for the UDP checksum.
    pub checksum_is_good: bool,
}

pub(crate) struct Receiver {
    queue: Queue,
    buffers: DmaRegion,
    /// Which buffers the device has.
    with_device: [bool; QUEUE_SIZE as usize],
    in_flight: usize,
    owes_notification: bool,
}

impl Receiver {
    pub(crate) fn new(queue: Queue, buffers: DmaRegion) -> Result<Self, DmaError> {
        let buffers = buffers.part(0, usize::from(queue.size()) * BUFFER_SIZE)?;
        let mut receiver = Self {
            queue,
            buffers,
            with_device: [false; QUEUE_SIZE as usize],
            in_flight: 0,
            owes_notification: false,
        };
        for buffer in 0..receiver.queue.size() {
            receiver.give(buffer).map_err(|_| DmaError::Exhausted)?;
        }
        Ok(receiver)
    }

    pub(crate) fn take(&mut self) -> Result<Option<Received>, BrokenRing> {
        let Some(used) = self.queue.take_used(self.in_flight)? else {
            return Ok(None);
        };
        let with_device = self.with_device.get_mut(usize::from(used.head));
        let was_there = with_device.is_some_and(|place| core::mem::replace(place, false));
        let written = usize::try_from(used.written).map_err(|_| BrokenRing)?;
        if !was_there || !(HEADER_SIZE..=BUFFER_SIZE).contains(&written) {
            return Err(BrokenRing);
        }
        self.in_flight -= 1;
        let flags = self.buffers.read_u8_at(start(used.head));
        let flags = flags.map_err(|_| BrokenRing)?;
        Ok(Some(Received {
            buffer: used.head,
            length: written - HEADER_SIZE,
            checksum_is_good: flags & (NEEDS_CHECKSUM | CHECKSUM_IS_GOOD) != 0,
        }))
    }

    pub(crate) fn frame(&self, received: &Received) -> RegionReader {
        let at = start(received.buffer) + HEADER_SIZE;
        let frame = self.buffers.reader().part(at, received.length);
        frame.unwrap_or(RegionReader::EMPTY)
    }

    pub(crate) fn recycle(&mut self, received: Received) {
        // It came from there, so there is a place for it.
        let _ = self.give(received.buffer);
    }

    pub(crate) fn owes_notification(&mut self) -> bool {
        core::mem::take(&mut self.owes_notification) && self.queue.wants_notification()
    }

    fn give(&mut self, buffer: u16) -> Result<(), AccessError> {
        let data = Data {
            address: self.buffers.device_address() + start(buffer) as u64,
            #[expect(clippy::cast_possible_truncation, reason = "the constant is 2048")]
            length: BUFFER_SIZE as u32,
            direction: Direction::DeviceWrites,
        };
        self.queue.write_descriptor(buffer, &data, None)?;
        self.queue.make_available(buffer)?;
        self.with_device[usize::from(buffer)] = true;
        self.in_flight += 1;
        self.owes_notification = true;
        Ok(())
    }
}

fn start(buffer: u16) -> usize {
    usize::from(buffer) * BUFFER_SIZE
}
