//! The channel to the guest's gateway: frames in the clear, each in a slot of its sender's data area.

use frame_api::{
    CheckedFrame, Checksum, DEFAULT_MTU, Frame, IllegalFrame, Link, LinkState, QUEUE_LENGTH,
    SLOT_SIZE, WANTS_ROOM,
};
use runtime::{
    Component, println,
    shared_memory::{
        Channel, ChannelError, OpenError, PushError, Receiver, RegionReader, RegionWriter, Sender,
    },
};
use vmm_partition_core::{GuestAddress, OutsideMemory, host::NetworkChannel};

use crate::{
    failure::Failure,
    guest_ram::{GuestRam, place},
};

/// The gateway's channel.
pub(crate) struct Network {
    channel: Channel,
    sender: Sender<Frame>,
    receiver: Receiver<Frame>,
    output: RegionWriter,
    input: RegionReader,
    memory: GuestRam,
    /// Slots that are known to be free.
    room: u64,
    /// The oldest frame that was taken and not released.
    arrived: Option<CheckedFrame>,
    unsignalled: bool,
    wants_room: bool,
    peer: Peer,
}

/// What is thought of the gateway.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Peer {
    Trusted,
    /// It broke the rules of the channel: the link is down until it is started afresh, and what the guest sends vanishes.
    Misbehaved,
}

impl Network {
    /// Opens the channel `network`, if there is one.
    pub(crate) fn open(component: &Component, memory: GuestRam) -> Result<Option<Self>, Failure> {
        let channel = match Channel::open(&component.memory, "network") {
            Ok(channel) => channel,
            Err(OpenError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(Self {
            sender: channel.sender(QUEUE_LENGTH)?,
            receiver: channel.receiver(QUEUE_LENGTH)?,
            output: channel.output_data::<Frame>(QUEUE_LENGTH),
            input: channel.input_data::<Frame>(QUEUE_LENGTH),
            channel,
            memory,
            room: 0,
            arrived: None,
            unsignalled: false,
            wants_room: false,
            peer: Peer::Trusted,
        }))
    }

    /// Looks how many slots are free; if none is, asks for a signal and looks again.
    fn look_for_room(&mut self) {
        self.room = self.free();
        if self.room == 0 && !self.wants_room {
            self.wants_room = true;
            self.channel.set_attention(WANTS_ROOM);
            self.room = self.free();
        }
        if self.room > 0 && self.wants_room {
            self.wants_room = false;
            self.channel.set_attention(0);
        }
    }

    fn free(&mut self) -> u64 {
        match self.sender.free() {
            Ok(free) => free,
            Err(ChannelError::PeerReset) => {
                self.welcome();
                self.sender.free().unwrap_or(0)
            }
            Err(ChannelError::PeerMisbehaved) => self.give_up(),
        }
    }

    fn take(&mut self) -> Option<CheckedFrame> {
        match self.receiver.take() {
            Ok(None) => None,
            Ok(Some(frame)) => match frame.check() {
                Ok(frame) => Some(frame),
                Err(IllegalFrame) => {
                    let _ = self.receiver.release(1);
                    self.give_up()
                }
            },
            Err(ChannelError::PeerReset) => {
                self.welcome();
                None
            }
            Err(ChannelError::PeerMisbehaved) => self.give_up(),
        }
    }

    /// The gateway was started afresh and waits until it is noticed. What was on its way is lost, as on any
    /// network.
    fn welcome(&mut self) {
        self.room = 0;
        self.peer = Peer::Trusted;
        self.channel.signal();
    }

    /// The gateway cannot be talked to any more.
    fn give_up<T: Default>(&mut self) -> T {
        println!("the gateway broke the rules of its channel: the guest has no network any more");
        self.peer = Peer::Misbehaved;
        T::default()
    }
}

/// Where `length` bytes from `offset` of the slot at `data` lie in a data area.
fn area_offset(data: usize, offset: u32, length: u32) -> Result<(usize, usize), OutsideMemory> {
    let offset = usize::try_from(offset).map_err(|_| OutsideMemory)?;
    let length = usize::try_from(length).map_err(|_| OutsideMemory)?;
    if offset + length <= SLOT_SIZE {
        Ok((data + offset, length))
    } else {
        Err(OutsideMemory)
    }
}

impl NetworkChannel for Network {
    fn link(&mut self) -> Link {
        match self.peer {
            Peer::Trusted => Link::from_word(self.channel.attention()),
            Peer::Misbehaved => Link {
                state: LinkState::Down,
                mtu: DEFAULT_MTU,
            },
        }
    }

    fn has_room(&mut self) -> bool {
        if self.room == 0 && self.peer == Peer::Trusted {
            self.look_for_room();
        }
        self.room > 0 || self.peer == Peer::Misbehaved
    }

    fn fill(&mut self, offset: u32, from: GuestAddress, length: u32) -> Result<(), OutsideMemory> {
        let slot = self.sender.next_place() * SLOT_SIZE;
        let (at, length) = area_offset(slot, offset, length)?;
        self.output
            .copy_from(at, &self.memory.0, place(from), length)
            .map_err(|_| OutsideMemory)
    }

    fn put(&mut self, offset: u32, bytes: &[u8]) -> Result<(), OutsideMemory> {
        let slot = self.sender.next_place() * SLOT_SIZE;
        let length = u32::try_from(bytes.len()).map_err(|_| OutsideMemory)?;
        let (at, _) = area_offset(slot, offset, length)?;
        self.output.write_at(at, bytes).map_err(|_| OutsideMemory)
    }

    fn send(&mut self, length: usize, checksum: Checksum) -> Result<(), IllegalFrame> {
        let frame = Frame::new(self.sender.next_place() as u64, length, checksum)?;
        // What is sent to a gateway that misbehaved vanishes.
        if self.peer == Peer::Misbehaved {
            return Ok(());
        }
        match self.sender.push(&frame) {
            Ok(()) => {
                self.room = self.room.saturating_sub(1);
                self.unsignalled = true;
            }
            // There was room: who sends has asked.
            Err(PushError::Full) => self.room = 0,
            Err(PushError::PeerReset) => self.welcome(),
            Err(PushError::PeerMisbehaved) => self.give_up(),
        }
        Ok(())
    }

    fn kick(&mut self) {
        if core::mem::take(&mut self.unsignalled) {
            self.channel.signal();
        }
    }

    fn arrived(&mut self) -> Option<CheckedFrame> {
        let is_heard = self.peer == Peer::Trusted || self.receiver.peer_is_new();
        if self.arrived.is_none() && is_heard {
            self.arrived = self.take();
        }
        self.arrived
    }

    fn drain(&mut self, offset: u32, to: GuestAddress, length: u32) -> Result<(), OutsideMemory> {
        let frame = self.arrived.ok_or(OutsideMemory)?;
        let (at, length) = area_offset(frame.data, offset, length)?;
        self.memory
            .0
            .copy_from(place(to), &self.input, at, length)
            .map_err(|_| OutsideMemory)
    }

    fn release(&mut self) {
        if self.arrived.take().is_some() {
            // This side's region holds its counts: it was checked when the channel was opened.
            let _ = self.receiver.release(1);
        }
    }
}
