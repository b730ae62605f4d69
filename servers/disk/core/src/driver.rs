//! Block requests over one virtqueue (virtio 1.2, section 5.2).

use core::fmt;

use dma::{DmaError, DmaRegion};

use crate::queue::{BrokenRing, Data, Direction, QUEUE_SIZE, Queue, SLOTS, Slot};
use crate::transport::{Transport, status};

/// Sectors of the device in one block.
const SECTORS_PER_BLOCK: u64 = 8;
/// Bytes in one block.
const BLOCK_SIZE: u32 = 4096;

/// Features (section 5.2.3 and chapter 6).
const READ_ONLY: u64 = 1 << 5;
const FLUSH: u64 = 1 << 9;
const VERSION_1: u64 = 1 << 32;

/// Request types (section 5.2.6).
const IN: u32 = 0;
const OUT: u32 = 1;
const FLUSH_REQUEST: u32 = 4;

/// How often the status is read while the device resets.
const RESET_ATTEMPTS: usize = 1_000_000;

/// Chosen by who submits a request, returned when it is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(pub u32);

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out.
    Done,
    /// The device says that it failed, or says something that makes no sense.
    Failed,
}

/// What the device is asked for. Addresses are physical and belong to the request until it is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Fetch blocks to memory.
    Read {
        /// The first block.
        first: u64,
        /// Blocks to fetch.
        blocks: u32,
        /// Where to.
        address: u64,
    },
    /// Store blocks from memory.
    Write {
        /// The first block.
        first: u64,
        /// Blocks to store.
        blocks: u32,
        /// Where from.
        address: u64,
    },
    /// Make finished writes durable.
    Flush,
}

/// Why a request was not given to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// All slots are in use; wait for one to finish.
    Full,
    /// The blocks are not all on the device.
    OutOfRange,
    /// The device broke the rules and is not used any more.
    Broken,
}

/// Why a device cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// It does not come out of its reset.
    NoReset,
    /// It lacks a feature that is needed: virtio 1, or flushing.
    MissingFeature,
    /// It can only be read.
    ReadOnly,
    /// It takes back the features that it offered.
    FeaturesRefused,
    /// Its queue has no legal size.
    NoQueue,
    /// It does not take the interrupt that it is given.
    NoInterrupt,
    /// The memory for the queue does not serve.
    Memory(DmaError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoReset => f.write_str("the disk does not come out of its reset"),
            Self::MissingFeature => f.write_str("the disk lacks virtio 1 or flushing"),
            Self::ReadOnly => f.write_str("the disk is read-only"),
            Self::FeaturesRefused => f.write_str("the disk refuses the features that it offered"),
            Self::NoQueue => f.write_str("the disk has no queue of a legal size"),
            Self::NoInterrupt => f.write_str("the disk does not take its interrupt"),
            Self::Memory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StartError {}

/// A request that the device works on.
#[derive(Clone, Copy)]
struct InFlight {
    token: Token,
    /// Bytes that the device must report as written when it succeeds.
    written: u32,
}

/// A running device.
pub struct Driver<T> {
    transport: T,
    queue: Queue,
    in_flight: [Option<InFlight>; SLOTS],
    in_flight_count: usize,
    block_count: u64,
    is_broken: bool,
}

impl<T: Transport> Driver<T> {
    /// Resets the device and sets it up with a queue in `memory` (section 3.1.1).
    ///
    /// # Errors
    ///
    /// The device cannot be used; it is left marked as failed.
    pub fn start(mut transport: T, memory: DmaRegion) -> Result<Self, StartError> {
        match set_up(&mut transport, memory) {
            Ok(queue) => Ok(Self {
                block_count: transport.capacity() / SECTORS_PER_BLOCK,
                transport,
                queue,
                in_flight: [None; SLOTS],
                in_flight_count: 0,
                is_broken: false,
            }),
            Err(error) => {
                let status = transport.status();
                transport.set_status(status | status::FAILED);
                Err(error)
            }
        }
    }

    /// Whole blocks that the device holds.
    pub fn block_count(&self) -> u64 {
        self.block_count
    }

    /// Whether the device has broken the rules of its queue. It was then reset and is not used again.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether all slots are in use.
    pub fn is_full(&self) -> bool {
        self.in_flight_count >= self.queue.slots()
    }

    /// Puts a request into the queue. The device looks at it after [`notify`](Self::notify).
    ///
    /// # Errors
    ///
    /// There is no room, or the device has no such blocks, or is broken. Nothing happened.
    pub fn submit(&mut self, transfer: Transfer, token: Token) -> Result<(), SubmitError> {
        if self.is_broken {
            return Err(SubmitError::Broken);
        }
        let (header, data) = self.encode(transfer)?;
        let slots = &self.in_flight[..self.queue.slots()];
        let free = slots.iter().position(Option::is_none);
        let free = free.ok_or(SubmitError::Full)?;
        self.queue
            .make_available(Slot(free), &header, data)
            .map_err(|_| SubmitError::Full)?;
        // The device writes the data of a read, and the status.
        let written = match data {
            Some(data) if data.direction == Direction::DeviceWrites => data.length + 1,
            _ => 1,
        };
        self.in_flight[free] = Some(InFlight { token, written });
        self.in_flight_count += 1;
        Ok(())
    }

    /// Tells the device that there are new requests.
    pub fn notify(&self) {
        self.transport.notify();
    }

    /// Takes the next finished request, if there is one. Once the device is broken, all that is in
    /// flight has failed.
    pub fn take_finished(&mut self) -> Option<(Token, Outcome)> {
        if !self.is_broken {
            match self.next_finished() {
                Ok(finished) => return finished,
                Err(BrokenRing) => {
                    self.is_broken = true;
                    self.transport.set_status(0);
                }
            }
        }
        let failed = self.in_flight.iter_mut().find_map(Option::take)?;
        self.in_flight_count -= 1;
        Some((failed.token, Outcome::Failed))
    }

    fn next_finished(&mut self) -> Result<Option<(Token, Outcome)>, BrokenRing> {
        let Some(used) = self.queue.take_used(self.in_flight_count)? else {
            return Ok(None);
        };
        let request = self.in_flight.get_mut(used.slot.0).and_then(Option::take);
        let request = request.ok_or(BrokenRing)?;
        self.in_flight_count -= 1;
        let succeeded = self.queue.status(used.slot) == 0 && used.written == request.written;
        let outcome = if succeeded {
            Outcome::Done
        } else {
            Outcome::Failed
        };
        Ok(Some((request.token, outcome)))
    }

    /// The request's header (section 5.2.6) and data.
    fn encode(&self, transfer: Transfer) -> Result<([u8; 16], Option<Data>), SubmitError> {
        let (kind, first, data) = match transfer {
            Transfer::Flush => (FLUSH_REQUEST, 0, None),
            Transfer::Read {
                first,
                blocks,
                address,
            } => (IN, first, Some((blocks, address, Direction::DeviceWrites))),
            Transfer::Write {
                first,
                blocks,
                address,
            } => (OUT, first, Some((blocks, address, Direction::DeviceReads))),
        };
        let data = match data {
            None => None,
            Some((blocks, address, direction)) => {
                let end = first.checked_add(u64::from(blocks));
                let is_inside = end.is_some_and(|end| end <= self.block_count) && blocks > 0;
                let length = blocks.checked_mul(BLOCK_SIZE).filter(|_| is_inside);
                let length = length.ok_or(SubmitError::OutOfRange)?;
                Some(Data {
                    address,
                    length,
                    direction,
                })
            }
        };
        let mut header = [0; 16];
        header[..4].copy_from_slice(&kind.to_le_bytes());
        // The capacity was a number of sectors, so this does not overflow.
        header[8..].copy_from_slice(&(first * SECTORS_PER_BLOCK).to_le_bytes());
        Ok((header, data))
    }
}

fn set_up(transport: &mut impl Transport, memory: DmaRegion) -> Result<Queue, StartError> {
    transport.set_status(0);
    // The reset has ended when the status reads 0 (section 4.1.4.3.2).
    (0..RESET_ATTEMPTS)
        .find(|_| transport.status() == 0)
        .ok_or(StartError::NoReset)?;
    let mut state = status::ACKNOWLEDGE;
    transport.set_status(state);
    state |= status::DRIVER;
    transport.set_status(state);

    let offered = transport.offered_features();
    let needed = VERSION_1 | FLUSH;
    if offered & needed != needed {
        return Err(StartError::MissingFeature);
    }
    if offered & READ_ONLY != 0 {
        return Err(StartError::ReadOnly);
    }
    transport.accept_features(needed);
    state |= status::FEATURES_OK;
    transport.set_status(state);
    if transport.status() & status::FEATURES_OK == 0 {
        return Err(StartError::FeaturesRefused);
    }

    transport.ignore_configuration_changes();
    let size = transport.queue_size_limit().min(QUEUE_SIZE);
    // Three descriptors make a slot, and sizes are powers of two (section 2.7).
    if size < 4 || !size.is_power_of_two() {
        return Err(StartError::NoQueue);
    }
    let queue = Queue::new(memory, size).map_err(StartError::Memory)?;
    if !transport.enable_queue(size, &queue.addresses()) {
        return Err(StartError::NoInterrupt);
    }
    state |= status::DRIVER_OK;
    transport.set_status(state);
    Ok(queue)
}
