//! Block requests over one virtqueue (virtio 1.2, section 5.2).

use core::fmt;

use dma::DmaRegion;
use virtio::{BrokenRing, Data, Direction, Transport, start};

use crate::slots::{SLOTS, Slot, Slots};

/// Sectors of the device in one block.
const SECTORS_PER_BLOCK: u64 = 8;
/// Bytes in one block.
const BLOCK_SIZE: u32 = 4096;

/// Features (section 5.2.3).
const READ_ONLY: u64 = 1 << 5;
const FLUSH: u64 = 1 << 9;

/// Request types (section 5.2.6).
const IN: u32 = 0;
const OUT: u32 = 1;
const FLUSH_REQUEST: u32 = 4;

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
    /// It does not start as every virtio device does; it lacks virtio 1 or flushing, perhaps.
    Device(virtio::StartError),
    /// It can only be read.
    ReadOnly,
}

impl From<virtio::StartError> for StartError {
    fn from(error: virtio::StartError) -> Self {
        Self::Device(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(error) => write!(f, "the disk does not serve: {error}"),
            Self::ReadOnly => f.write_str("the disk is read-only"),
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
    slots: Slots,
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
            Ok(slots) => Ok(Self {
                block_count: capacity(&transport) / SECTORS_PER_BLOCK,
                transport,
                slots,
                in_flight: [None; SLOTS],
                in_flight_count: 0,
                is_broken: false,
            }),
            Err(error) => {
                start::give_up(&mut transport);
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
        self.in_flight_count >= self.slots.count()
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
        let slots = &self.in_flight[..self.slots.count()];
        let free = slots.iter().position(Option::is_none);
        let free = free.ok_or(SubmitError::Full)?;
        self.slots
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
        self.transport.notify(0);
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
        let Some(finished) = self.slots.take_finished(self.in_flight_count)? else {
            return Ok(None);
        };
        let request = self
            .in_flight
            .get_mut(finished.slot.0)
            .and_then(Option::take);
        let request = request.ok_or(BrokenRing)?;
        self.in_flight_count -= 1;
        let succeeded =
            self.slots.status(finished.slot) == 0 && finished.written == request.written;
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

fn set_up(transport: &mut impl Transport, memory: DmaRegion) -> Result<Slots, StartError> {
    let features = start::agree(transport, FLUSH, READ_ONLY)?;
    if features & READ_ONLY != 0 {
        return Err(StartError::ReadOnly);
    }
    // Without changes of the configuration: a disk that grows is not seen to.
    transport.set_configuration_interrupt(None);
    let slots = Slots::start(transport, memory)?;
    start::go(transport);
    Ok(slots)
}

/// The device's capacity in sectors of 512 bytes (section 5.2.4): two halves of one field.
fn capacity(transport: &impl Transport) -> u64 {
    transport.consistent(|transport| {
        let [low, high] = [0, 4].map(|offset| u64::from(transport.configuration_u32(offset)));
        low | high << 32
    })
}
