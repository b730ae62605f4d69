//! The guest's gateway: it checks what it is given, and has something to say half of the time.

use frame_api::{CheckedFrame, Checksum, Frame, IllegalFrame, Link, MAX_FRAME, MIN_FRAME};
use vmm_partition_core::{
    GuestAddress, GuestMemory, OutsideMemory,
    host::NetworkChannel,
};

use crate::Ram;

/// Checksum flags that frames to the guest carry in turn, the impossible ones included.
const FLAGS: u32 = 4;

/// A gateway that has room for two frames of three, and sends frames of all lengths.
pub struct Gateway {
    ram: Ram,
    arrived: Option<CheckedFrame>,
    /// The guest was told that there is room.
    is_open: bool,
    asked: u32,
}

impl Gateway {
    /// The gateway of a guest with `ram`.
    pub fn new(ram: Ram) -> Self {
        Self {
            ram,
            arrived: None,
            is_open: false,
            asked: 0,
        }
    }

    fn turn(&mut self) -> u32 {
        self.asked = self.asked.wrapping_add(1);
        self.asked
    }

    fn piece(offset: u32, length: u32) -> Vec<u8> {
        assert!((offset + length) as usize <= MAX_FRAME);
        vec![0x5a; length as usize]
    }
}

impl NetworkChannel for Gateway {
    fn link(&mut self) -> Link {
        Link::from_word(u64::from(self.turn()) << 14)
    }

    fn has_room(&mut self) -> bool {
        self.is_open = !self.turn().is_multiple_of(3);
        self.is_open
    }

    fn fill(&mut self, offset: u32, from: GuestAddress, length: u32) -> Result<(), OutsideMemory> {
        self.ram.read(from, &mut Self::piece(offset, length))
    }

    fn send(&mut self, length: usize, checksum: Checksum) -> Result<(), IllegalFrame> {
        assert!(self.is_open, "who sends has asked for room");
        assert!((MIN_FRAME..=MAX_FRAME).contains(&length));
        self.is_open = false;
        Frame::new(0, length, checksum).map(|_| ())
    }

    fn kick(&mut self) {}

    fn arrived(&mut self) -> Option<CheckedFrame> {
        if self.arrived.is_none() {
            let turn = self.turn();
            let frame = Frame {
                data: 0,
                length: turn % 0x800,
                checksum_start: 0,
                checksum_offset: 0,
                flags: turn / 2 % FLAGS,
            };
            self.arrived = frame.check().ok();
        }
        self.arrived
    }

    fn drain(&mut self, offset: u32, to: GuestAddress, length: u32) -> Result<(), OutsideMemory> {
        assert!(self.arrived.is_some());
        self.ram.write(to, &Self::piece(offset, length))
    }

    fn release(&mut self) {
        assert!(self.arrived.take().is_some(), "what is released is there");
    }
}
