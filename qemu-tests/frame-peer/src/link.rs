//! The gateway's end of the channel.

use alloc::string::String;

use frame_api::{Checksum, Frame, MAX_FRAME, QUEUE_LENGTH, SLOT_SIZE, WANTS_ROOM};
use runtime::Component;
use runtime::shared_memory::{Channel, Receiver, RegionReader, RegionWriter, Sender};

use crate::text;

/// The channel to the guest's monitor.
pub(crate) struct Link {
    pub(crate) channel: Channel,
    receiver: Receiver<Frame>,
    pub(crate) sender: Sender<Frame>,
    input: RegionReader,
    output: RegionWriter,
    sent: u64,
    unsignalled: bool,
    has_released: bool,
}

impl Link {
    pub(crate) fn open(component: &Component) -> Result<Self, String> {
        let channel = Channel::open(&component.memory, "guest").map_err(text)?;
        Ok(Self {
            receiver: channel.receiver(QUEUE_LENGTH).map_err(text)?,
            sender: channel.sender(QUEUE_LENGTH).map_err(text)?,
            input: channel.input_data::<Frame>(QUEUE_LENGTH),
            output: channel.output_data::<Frame>(QUEUE_LENGTH),
            channel,
            sent: 0,
            unsignalled: false,
            has_released: false,
        })
    }

    /// The next frame of the guest.
    pub(crate) fn receive(
        &mut self,
        frame: &mut [u8; MAX_FRAME],
    ) -> Result<Option<(usize, Checksum)>, String> {
        let Some(message) = self.receiver.take().map_err(text)? else {
            return Ok(None);
        };
        let checked = message.check().map_err(|_| "the monitor sent no frame")?;
        let place = &mut frame[..checked.length];
        self.input.read_at(checked.data, place).map_err(text)?;
        self.receiver.release(1).map_err(text)?;
        self.has_released = true;
        Ok(Some((checked.length, checked.checksum)))
    }

    /// Sends a frame; one that finds no room is lost.
    pub(crate) fn send(&mut self, frame: &[u8], checksum: Checksum) -> Result<(), String> {
        if self.sender.free().map_err(text)? == 0 {
            return Ok(());
        }
        let message = Frame::new(self.sent, frame.len(), checksum).map_err(|_| "it is no frame")?;
        let slot = usize::try_from(self.sent).map_err(text)? % QUEUE_LENGTH * SLOT_SIZE;
        self.output.write_at(slot, frame).map_err(text)?;
        self.sender.push(&message).map_err(text)?;
        self.sent += 1;
        self.unsignalled = true;
        Ok(())
    }

    /// Wakes the monitor for what was sent, and for the room that it waits for.
    pub(crate) fn announce(&mut self) {
        let unsignalled = core::mem::take(&mut self.unsignalled);
        let has_released = core::mem::take(&mut self.has_released);
        if unsignalled || has_released && self.channel.attention() == WANTS_ROOM {
            self.channel.signal();
        }
    }
}
