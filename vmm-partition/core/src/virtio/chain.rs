//! A descriptor chain, copied out of the guest's tables and checked.

use crate::guest_memory::{GuestAddress, GuestMemory, OutsideMemory};

/// Most descriptors of a chain.
pub(crate) const SEGMENTS_MAX: usize = 128;

/// One piece of guest memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) address: GuestAddress,
    pub(crate) length: u32,
}

/// A chain: readable pieces first, then writable ones.
pub(crate) struct Chain {
    /// Index of its first descriptor, by which it is returned.
    pub(crate) head: u16,
    segments: [Segment; SEGMENTS_MAX],
    count: usize,
    readable: usize,
}

/// Part of a chain that is looked at as one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// What the driver gives to the device.
    Readable,
    /// What the device fills.
    Writable,
}

impl Chain {
    /// An empty chain.
    pub(crate) const fn new() -> Self {
        Self {
            head: 0,
            segments: [Segment {
                address: GuestAddress(0),
                length: 0,
            }; SEGMENTS_MAX],
            count: 0,
            readable: 0,
        }
    }

    /// Makes the chain empty for the one that starts at `head`.
    pub(super) fn restart(&mut self, head: u16) {
        self.head = head;
        self.count = 0;
        self.readable = 0;
    }

    /// Appends a segment; false if there are too many or a readable one follows a writable one.
    pub(super) fn push(&mut self, segment: Segment, side: Side) -> bool {
        if side == Side::Readable && self.count != self.readable {
            return false;
        }
        let Some(place) = self.segments.get_mut(self.count) else {
            return false;
        };
        *place = segment;
        self.count += 1;
        if side == Side::Readable {
            self.readable += 1;
        }
        true
    }

    /// The segments of one side.
    pub(crate) fn segments(&self, side: Side) -> &[Segment] {
        let range = match side {
            Side::Readable => 0..self.readable,
            Side::Writable => self.readable..self.count,
        };
        self.segments.get(range).unwrap_or(&[])
    }

    /// Bytes of one side.
    pub(crate) fn length(&self, side: Side) -> u64 {
        self.segments(side)
            .iter()
            .map(|segment| u64::from(segment.length))
            .sum()
    }

    /// Calls `visit` with each piece of guest memory that makes up `length` bytes from `offset`, and with where
    /// the piece lies in those bytes.
    pub(crate) fn visit<E>(
        &self,
        side: Side,
        offset: u64,
        length: u64,
        mut visit: impl FnMut(GuestAddress, u64, u64) -> Result<(), E>,
    ) -> Result<(), E>
    where
        E: From<OutsideMemory>,
    {
        let (mut skip, mut done) = (offset, 0);
        for segment in self.segments(side) {
            let size = u64::from(segment.length);
            if skip >= size {
                skip -= size;
                continue;
            }
            let part = (size - skip).min(length - done);
            if part == 0 {
                break;
            }
            let address = segment.address.checked_add(skip).ok_or(OutsideMemory)?;
            visit(address, done, part)?;
            done += part;
            skip = 0;
        }
        if done == length {
            Ok(())
        } else {
            Err(OutsideMemory.into())
        }
    }

    /// Copies bytes of the readable side.
    pub(crate) fn read(
        &self,
        memory: &impl GuestMemory,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<(), OutsideMemory> {
        let length = buffer.len() as u64;
        self.visit(Side::Readable, offset, length, |address, at, part| {
            let place = slice_mut(buffer, at, part)?;
            memory.read(address, place)
        })
    }

    /// Copies bytes to the writable side.
    pub(crate) fn write(
        &self,
        memory: &impl GuestMemory,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), OutsideMemory> {
        self.visit(
            Side::Writable,
            offset,
            bytes.len() as u64,
            |address, at, part| {
                let start = usize::try_from(at).map_err(|_| OutsideMemory)?;
                let end = usize::try_from(at + part).map_err(|_| OutsideMemory)?;
                memory.write(address, bytes.get(start..end).ok_or(OutsideMemory)?)
            },
        )
    }
}

fn slice_mut(buffer: &mut [u8], at: u64, part: u64) -> Result<&mut [u8], OutsideMemory> {
    let start = usize::try_from(at).map_err(|_| OutsideMemory)?;
    let end = usize::try_from(at + part).map_err(|_| OutsideMemory)?;
    buffer.get_mut(start..end).ok_or(OutsideMemory)
}
