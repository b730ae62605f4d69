//! One frame's place in its sender's data area, and what is known of its checksum.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{MAX_FRAME, MIN_FRAME, QUEUE_LENGTH, SLOT_SIZE};

/// Flag: the sender left the transport's checksum to the receiver.
const NEEDS_CHECKSUM: u32 = 1;
/// Flag: the sender has checked the transport's checksum.
const CHECKSUM_GOOD: u32 = 2;
/// Bytes of an Internet checksum.
const CHECKSUM_BYTES: usize = 2;

/// One frame (16 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Frame {
    /// Where the frame lies in the sender's data area, in bytes; a multiple of [`SLOT_SIZE`].
    pub data: u32,
    /// Bytes of the frame: [`MIN_FRAME`] to [`MAX_FRAME`].
    pub length: u32,
    /// With flag 0: where the bytes begin that the checksum covers.
    pub checksum_start: u16,
    /// With flag 0: where the checksum belongs, from `checksum_start` on.
    pub checksum_offset: u16,
    /// Bit 0: the checksum is missing. Bit 1: the checksum is right. All others are 0.
    pub flags: u32,
}

/// A frame that lies in one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedFrame {
    /// Offset in the sender's data area, in bytes.
    pub data: usize,
    /// Bytes.
    pub length: usize,
    /// What is known of the transport's checksum.
    pub checksum: Checksum,
}

/// What a frame's sender says about the checksum of TCP or UDP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// Nothing: it is there, right or wrong.
    #[default]
    Unchecked,
    /// It is right.
    Good,
    /// The receiver must complete it (virtio 1.2, section 5.1.6.2): its field holds the sum of the pseudo
    /// header. The whole field lies inside the frame.
    Missing {
        /// Where the bytes begin that it covers.
        start: u16,
        /// Where the field lies, from `start` on.
        offset: u16,
    },
}

/// The message describes no frame: wild place, impossible length, unknown or contradictory flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalFrame;

impl Frame {
    /// The message for the frame of `length` bytes in the slot of message number `number`.
    ///
    /// # Errors
    ///
    /// [`IllegalFrame`] if no frame has that length, or its checksum would lie outside of it.
    pub fn new(number: u64, length: usize, checksum: Checksum) -> Result<Self, IllegalFrame> {
        let slots = QUEUE_LENGTH as u64;
        let slot = usize::try_from(number % slots).map_err(|_| IllegalFrame)?;
        let (flags, checksum_start, checksum_offset) = match checksum {
            Checksum::Unchecked => (0, 0, 0),
            Checksum::Good => (CHECKSUM_GOOD, 0, 0),
            Checksum::Missing { start, offset } => (NEEDS_CHECKSUM, start, offset),
        };
        let frame = Self {
            data: u32::try_from(slot * SLOT_SIZE).map_err(|_| IllegalFrame)?,
            length: u32::try_from(length).map_err(|_| IllegalFrame)?,
            checksum_start,
            checksum_offset,
            flags,
        };
        frame.check().map(|_| frame)
    }

    /// What the message describes.
    ///
    /// # Errors
    ///
    /// [`IllegalFrame`] if its sender broke the rules.
    pub fn check(&self) -> Result<CheckedFrame, IllegalFrame> {
        let (data, length) = (self.data as usize, self.length as usize);
        let in_a_slot = data.is_multiple_of(SLOT_SIZE) && data / SLOT_SIZE < QUEUE_LENGTH;
        if !in_a_slot || !(MIN_FRAME..=MAX_FRAME).contains(&length) {
            return Err(IllegalFrame);
        }
        Ok(CheckedFrame {
            data,
            length,
            checksum: self.checksum(length)?,
        })
    }

    fn checksum(&self, length: usize) -> Result<Checksum, IllegalFrame> {
        let (start, offset) = (self.checksum_start, self.checksum_offset);
        match self.flags {
            0 => Ok(Checksum::Unchecked),
            CHECKSUM_GOOD => Ok(Checksum::Good),
            NEEDS_CHECKSUM
                if usize::from(start) + usize::from(offset) + CHECKSUM_BYTES <= length =>
            {
                Ok(Checksum::Missing { start, offset })
            }
            _ => Err(IllegalFrame),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DATA_AREA_SIZE;

    const TCP: Frame = Frame {
        data: 3 * 2048,
        length: 74,
        checksum_start: 34,
        checksum_offset: 16,
        flags: NEEDS_CHECKSUM,
    };

    #[test]
    fn what_is_sent_arrives() {
        let missing = Checksum::Missing {
            start: 34,
            offset: 16,
        };
        assert_eq!(Frame::new(259, 74, missing), Ok(TCP));
        for checksum in [Checksum::Unchecked, Checksum::Good, missing] {
            for length in [74, MAX_FRAME] {
                let frame = Frame::new(511, length, checksum).and_then(|frame| frame.check());
                let data = DATA_AREA_SIZE - SLOT_SIZE;
                let expected = CheckedFrame {
                    data,
                    length,
                    checksum,
                };
                assert_eq!(frame, Ok(expected));
            }
        }
    }

    #[test]
    fn wild_messages_are_refused() {
        let area = u32::try_from(DATA_AREA_SIZE).expect("areas are small");
        let wild = [
            Frame { data: 1, ..TCP },
            Frame { data: area, ..TCP },
            Frame {
                data: u32::MAX - 2047,
                ..TCP
            },
            Frame { length: 0, ..TCP },
            Frame { length: 13, ..TCP },
            Frame {
                length: 1515,
                ..TCP
            },
            Frame {
                length: u32::MAX,
                ..TCP
            },
            Frame { length: 51, ..TCP },
            Frame {
                checksum_start: u16::MAX,
                checksum_offset: u16::MAX,
                ..TCP
            },
            Frame { flags: 3, ..TCP },
            Frame { flags: 4, ..TCP },
        ];
        for frame in wild {
            assert_eq!(frame.check(), Err(IllegalFrame), "{frame:?}");
        }
        let last = Frame { length: 52, ..TCP };
        assert!(last.check().is_ok());
    }

    #[test]
    fn what_is_no_frame_is_not_sent() {
        for length in [0, MIN_FRAME - 1, MAX_FRAME + 1, usize::MAX] {
            let sent = Frame::new(0, length, Checksum::Unchecked);
            assert_eq!(sent, Err(IllegalFrame));
        }
        let outside = Checksum::Missing {
            start: 60,
            offset: 16,
        };
        assert_eq!(Frame::new(0, 77, outside), Err(IllegalFrame));
    }
}
