//! The guest's side: frames in the clear, to and from its monitor.

use frame_api::{Checksum, Frame, Link, LinkState, QUEUE_LENGTH, SLOT_SIZE, WANTS_ROOM};
use runtime::shared_memory::{
    Channel, Memory, OpenError, PushError, Receiver, RegionReader, Sender,
};

use crate::peer::Peer;

/// The channel to the guest's monitor.
pub(crate) struct Guest {
    channel: Channel,
    frames: Receiver<Frame>,
    answers: Sender<Frame>,
    output: &'static mut [u8],
    input: RegionReader,
    peer: Peer,
    has_sent: bool,
    has_released: bool,
}

/// A frame of the guest, copied.
pub(crate) struct Taken {
    pub(crate) length: usize,
    pub(crate) checksum: Checksum,
}

impl Guest {
    pub(crate) fn open(memory: &Memory) -> Result<Self, OpenError> {
        let (channel, output) =
            Channel::open_with_data_area::<Frame>(memory, "guest", QUEUE_LENGTH)?;
        Ok(Self {
            frames: channel.receiver(QUEUE_LENGTH)?,
            answers: channel.sender(QUEUE_LENGTH)?,
            output,
            input: channel.input_data::<Frame>(QUEUE_LENGTH),
            channel,
            peer: Peer::new("the guest's monitor"),
            has_sent: false,
            has_released: false,
        })
    }

    /// Says what the link is like.
    pub(crate) fn set_link(&self, state: LinkState, mtu: u16) {
        self.channel.set_attention(Link { state, mtu }.to_word());
        self.channel.signal();
    }

    /// Copies the next frame to the beginning of `buffer`, if there is one.
    pub(crate) fn take(&mut self, buffer: &mut [u8]) -> Option<Taken> {
        if self.peer.is_cut_off() && !self.frames.peer_is_new() {
            return None;
        }
        let frame = match self.frames.take() {
            Ok(frame) => frame?,
            Err(error) => return self.peer.noted(error),
        };
        let Ok(frame) = frame.check() else {
            self.peer.cut_off();
            let _ = self.frames.release(1);
            return None;
        };
        let bytes = buffer.get_mut(..frame.length)?;
        let copied = self.input.read_at(frame.data, bytes);
        // This side's region holds its counts: it was checked when the channel was opened.
        let _ = self.frames.release(1);
        self.has_released = true;
        if copied.is_err() {
            self.peer.cut_off();
            return None;
        }
        Some(Taken {
            length: frame.length,
            checksum: frame.checksum,
        })
    }

    /// Where the next frame to be sent is made, if one can be sent now. The monitor can read there at any time.
    pub(crate) fn slot(&mut self) -> Option<&mut [u8]> {
        if self.peer.is_cut_off() || self.free() == 0 {
            return None;
        }
        let begin = self.answers.next_place() * SLOT_SIZE;
        self.output.get_mut(begin..begin + SLOT_SIZE)
    }

    fn free(&mut self) -> u64 {
        let free = self.answers.free();
        free.unwrap_or_else(|error| self.peer.noted(error).unwrap_or(0))
    }

    /// Sends a frame whose checksums are right. Without room it is lost.
    pub(crate) fn send(&mut self, frame: &[u8]) {
        let slot = self.slot();
        let Some(place) = slot.and_then(|slot| slot.get_mut(..frame.len())) else {
            return;
        };
        place.copy_from_slice(frame);
        self.send_slot(frame.len());
    }

    /// Sends the frame of `length` bytes that was made in the slot, whose checksums are right.
    pub(crate) fn send_slot(&mut self, length: usize) {
        let place = self.answers.next_place();
        let Ok(message) = Frame::new(place as u64, length, Checksum::Good) else {
            return;
        };
        match self.answers.push(&message) {
            Ok(()) => self.has_sent = true,
            Err(PushError::Full) => {}
            Err(PushError::PeerMisbehaved) => self.peer.cut_off(),
            // It is lost with everything else that was on its way.
            Err(PushError::PeerReset) => {}
        }
    }

    /// The channel to be signalled, if there is news that the monitor would not see by itself. Answers once.
    pub(crate) fn whom_to_wake(&mut self) -> Option<&Channel> {
        let has_sent = core::mem::take(&mut self.has_sent);
        let has_released = core::mem::take(&mut self.has_released);
        if !has_sent && !has_released {
            return None;
        }
        let wakes = has_sent || has_released && self.channel.attention() == WANTS_ROOM;
        wakes.then_some(&self.channel)
    }
}
