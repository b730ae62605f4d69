//! The guest's gateway: it checks what it is given, and has something to say half of the time.

use frame_api::{CheckedFrame, Checksum, Frame, IllegalFrame, Link, MAX_FRAME, MIN_FRAME};
use vmm_partition_core::{GuestAddress, GuestMemory, OutsideMemory, host::NetworkChannel};

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
    slot: [u8; MAX_FRAME],
    /// Frames of the guest.
    pub(crate) sent: Vec<Vec<u8>>,
}

impl Gateway {
    /// The gateway of a guest with `ram`.
    pub fn new(ram: Ram) -> Self {
        Self {
            ram,
            arrived: None,
            is_open: false,
            asked: 0,
            slot: [0; MAX_FRAME],
            sent: Vec::new(),
        }
    }

    fn turn(&mut self) -> u32 {
        self.asked = self.asked.wrapping_add(1);
        self.asked
    }

    fn piece(&mut self, offset: u32, length: u32) -> &mut [u8] {
        &mut self.slot[offset as usize..(offset + length) as usize]
    }
}

impl NetworkChannel for Gateway {
    fn link(&mut self) -> Link {
        Link::from_word(u64::from(self.turn()) << 14)
    }

    fn has_room(&mut self) -> bool {
        // Room that there is stays until it is used.
        self.is_open = self.is_open || !self.turn().is_multiple_of(3);
        self.is_open
    }

    fn fill(&mut self, offset: u32, from: GuestAddress, length: u32) -> Result<(), OutsideMemory> {
        let ram = self.ram.clone();
        ram.read(from, self.piece(offset, length))
    }

    fn put(&mut self, offset: u32, bytes: &[u8]) -> Result<(), OutsideMemory> {
        let length = u32::try_from(bytes.len()).expect("it fits a frame");
        self.piece(offset, length).copy_from_slice(bytes);
        Ok(())
    }

    fn send(&mut self, length: usize, checksum: Checksum) -> Result<(), IllegalFrame> {
        assert!(self.is_open, "who sends has asked for room");
        assert!((MIN_FRAME..=MAX_FRAME).contains(&length));
        self.is_open = false;
        Frame::new(0, length, checksum)?;
        self.sent.push(self.slot[..length].to_vec());
        Ok(())
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
        let ram = self.ram.clone();
        ram.write(to, self.piece(offset, length))
    }

    fn release(&mut self) {
        assert!(self.arrived.take().is_some(), "what is released is there");
    }
}
