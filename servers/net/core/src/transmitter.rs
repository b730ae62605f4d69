//! Frames that go out: two descriptors of the transmit queue for each.
//!
//! Slot n is descriptors 2n and 2n + 1: the first for the device's header and the protocols' headers, which are
//! written into memory of this program, the second for the payload, which lies in a client's region and is
//! read there by the device. Frames of this program's own, few and small, are copied into memory of its own.
//!
//! Some slots are for own frames alone: however much clients send, neighbours and servers are asked and answered.
//! The others are what clients see as room, and there is none for them unless any datagram has room, also one
//! that goes in pieces.
//!
//! Frames that were sent are noticed when there is other work; only when no more of clients can be sent does the
//! device interrupt for them.

use dma::{DmaError, DmaRegion};
use shared_memory::AccessError;
use virtio::{BrokenRing, Data, Direction, Interrupts, Queue};

use crate::driver::{Checksum, QUEUE_SIZE};
use crate::pieces::MOST_PIECES;
use crate::receiver::HEADER_SIZE;

/// Frames that can be out at a time.
pub const SLOTS: usize = QUEUE_SIZE as usize / 2;
/// Slots that clients leave to own frames; of a small queue a quarter.
const OWN_SLOTS: usize = 8;
/// Frames of this program's own that can be out at a time.
const OWN_FRAMES: usize = 16;
/// Bytes of the largest of them.
pub(crate) const OWN_FRAME_SIZE: usize = 1536;
/// Room for all headers of a frame: the device's, Ethernet's, IPv6's and UDP's are 74 bytes.
const HEADERS_SIZE: usize = 128;
/// Bytes of memory for headers and own frames.
pub(crate) const OWN_MEMORY_SIZE: usize = SLOTS * HEADERS_SIZE + OWN_FRAMES * OWN_FRAME_SIZE;

/// Flag of the device's header (section 5.1.6): fill in a checksum.
const NEEDS_CHECKSUM: u8 = 1;

/// Chosen by who sends a frame, returned when it has been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(pub u32);

/// Bytes that the device reads where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Their physical address.
    pub address: u64,
    /// How many.
    pub length: u32,
}

/// Why a frame was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransmitError {
    /// As many as possible are out.
    Full,
    /// Frames of that length do not exist.
    TooLong,
}

/// Whose a frame is that is out.
#[derive(Clone, Copy)]
enum Owner {
    Client(Token),
    Own { place: usize },
}

pub(crate) struct Transmitter {
    queue: Queue,
    headers: DmaRegion,
    own_frames: DmaRegion,
    out: [Option<Owner>; SLOTS],
    /// Free slots, those behind `out_count`.
    slots: [u16; SLOTS],
    out_count: usize,
    own_is_out: [bool; OWN_FRAMES],
    interrupts: Interrupts,
    owes_notification: bool,
}

impl Transmitter {
    pub(crate) fn new(queue: Queue, mut memory: DmaRegion) -> Result<Self, DmaError> {
        let transmitter = Self {
            queue,
            headers: memory.take(SLOTS * HEADERS_SIZE, 1)?,
            own_frames: memory.take(OWN_FRAMES * OWN_FRAME_SIZE, 1)?,
            out: [None; SLOTS],
            slots: core::array::from_fn(|slot| u16::try_from(slot).unwrap_or(0)),
            out_count: 0,
            own_is_out: [false; OWN_FRAMES],
            interrupts: Interrupts::Unwanted,
            owes_notification: false,
        };
        let quiet = transmitter.queue.set_interrupts(Interrupts::Unwanted);
        quiet.map_err(|_| DmaError::Exhausted)?;
        Ok(transmitter)
    }

    /// Whether a client's next datagram has room, whatever it is like. A queue that is too small for the most pieces
    /// has to be empty.
    pub(crate) fn has_room(&self) -> bool {
        self.room() >= MOST_PIECES.min(self.client_slots())
    }

    /// How many more frames of clients can be out.
    pub(crate) fn room(&self) -> usize {
        self.client_slots().saturating_sub(self.out_count)
    }

    pub(crate) fn is_sending(&self) -> bool {
        self.out_count > 0
    }

    pub(crate) fn send(
        &mut self,
        head: &[u8],
        checksum: Option<Checksum>,
        payload: Piece,
        token: Token,
    ) -> Result<(), TransmitError> {
        if HEADER_SIZE + head.len() > HEADERS_SIZE {
            return Err(TransmitError::TooLong);
        }
        if self.room() == 0 {
            return Err(TransmitError::Full);
        }
        let slot = self.free_slot()?;
        self.put_out(slot, head, checksum, payload)
            .map_err(|_| TransmitError::TooLong)?;
        self.note_out(slot, Owner::Client(token));
        Ok(())
    }

    pub(crate) fn send_copy(&mut self, frame: &[&[u8]]) -> Result<(), TransmitError> {
        let length: usize = frame.iter().map(|part| part.len()).sum();
        if length > OWN_FRAME_SIZE {
            return Err(TransmitError::TooLong);
        }
        let slot = self.free_slot()?;
        let place = self.own_is_out.iter().position(|is_out| !is_out);
        let place = place.ok_or(TransmitError::Full)?;
        let mut at = place * OWN_FRAME_SIZE;
        let payload = Piece {
            address: self.own_frames.device_address() + at as u64,
            length: u32::try_from(length).map_err(|_| TransmitError::TooLong)?,
        };
        for part in frame {
            let written = self.own_frames.write_at(at, part);
            written.map_err(|_| TransmitError::TooLong)?;
            at += part.len();
        }
        self.put_out(slot, &[], None, payload)
            .map_err(|_| TransmitError::TooLong)?;
        self.own_is_out[place] = true;
        self.note_out(slot, Owner::Own { place });
        Ok(())
    }

    /// The token of the next client's frame that was sent; own frames are finished on the way.
    pub(crate) fn take_sent(&mut self) -> Result<Option<Token>, BrokenRing> {
        loop {
            let Some(used) = self.queue.take_used(self.out_count)? else {
                if self.wants_other_interrupts()? {
                    continue;
                }
                return Ok(None);
            };
            let slot = usize::from(used.head / 2);
            let owner = self.out.get_mut(slot).and_then(Option::take);
            let owner = owner.filter(|_| used.head.is_multiple_of(2));
            let owner = owner.ok_or(BrokenRing)?;
            self.out_count -= 1;
            self.slots[self.out_count] = used.head / 2;
            match owner {
                Owner::Client(token) => return Ok(Some(token)),
                Owner::Own { place } => self.own_is_out[place] = false,
            }
        }
    }

    pub(crate) fn owes_notification(&mut self) -> bool {
        core::mem::take(&mut self.owes_notification) && self.queue.wants_notification()
    }

    /// Has the device interrupt, or not, as is fit for what is out; says whether to look once more, because what was
    /// sent just before is not told.
    fn wants_other_interrupts(&mut self) -> Result<bool, BrokenRing> {
        let interrupts = if self.has_room() {
            Interrupts::Unwanted
        } else {
            Interrupts::Wanted
        };
        let changes = core::mem::replace(&mut self.interrupts, interrupts) != interrupts;
        if changes {
            let set = self.queue.set_interrupts(interrupts);
            set.map_err(|_| BrokenRing)?;
        }
        Ok(changes && interrupts == Interrupts::Wanted)
    }

    fn slot_count(&self) -> usize {
        usize::from(self.queue.size() / 2).min(SLOTS)
    }

    fn client_slots(&self) -> usize {
        let slots = self.slot_count();
        slots - OWN_SLOTS.min(slots / 4)
    }

    fn free_slot(&self) -> Result<u16, TransmitError> {
        if self.out_count < self.slot_count() {
            Ok(self.slots[self.out_count])
        } else {
            Err(TransmitError::Full)
        }
    }

    fn note_out(&mut self, slot: u16, owner: Owner) {
        self.out[usize::from(slot)] = Some(owner);
        self.out_count += 1;
        self.owes_notification = true;
    }

    fn put_out(
        &mut self,
        slot: u16,
        head: &[u8],
        checksum: Option<Checksum>,
        payload: Piece,
    ) -> Result<(), AccessError> {
        let place = usize::from(slot) * HEADERS_SIZE;
        self.headers.write_at(place, &device_header(checksum))?;
        self.headers.write_at(place + HEADER_SIZE, head)?;
        let headers = Data {
            address: self.headers.device_address() + place as u64,
            length: u32::try_from(HEADER_SIZE + head.len()).map_err(|_| AccessError)?,
            direction: Direction::DeviceReads,
        };
        let (first, second) = (2 * slot, 2 * slot + 1);
        if payload.length == 0 {
            self.queue.write_descriptor(first, &headers, None)?;
        } else {
            let payload = Data {
                address: payload.address,
                length: payload.length,
                direction: Direction::DeviceReads,
            };
            self.queue.write_descriptor(first, &headers, Some(second))?;
            self.queue.write_descriptor(second, &payload, None)?;
        }
        self.queue.make_available(first)
    }
}

/// The header that goes before each frame (section 5.1.6): no segmentation, perhaps a checksum.
fn device_header(checksum: Option<Checksum>) -> [u8; HEADER_SIZE] {
    let mut header = [0; HEADER_SIZE];
    if let Some(checksum) = checksum {
        header[0] = NEEDS_CHECKSUM;
        header[6..8].copy_from_slice(&checksum.start.to_le_bytes());
        header[8..10].copy_from_slice(&checksum.offset.to_le_bytes());
    }
    header
}
