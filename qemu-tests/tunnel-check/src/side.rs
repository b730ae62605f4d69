//! All channels of one tunnel, from the other end.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::net::SocketAddr;

use block_api::{Completion, QUEUE_LENGTH as BLOCK_QUEUE_LENGTH, Request};
use datagram_api::{Datagram, Incoming};
use frame_api::{Checksum, Frame, Link};
use runtime::{
    Component,
    shared_memory::{Channel, Receiver, RegionReader, RegionWriter, Sender},
};

/// A queue each way with a data area each.
struct Pair<O, I> {
    channel: Channel,
    sender: Sender<O>,
    receiver: Receiver<I>,
    output: RegionWriter,
    input: RegionReader,
}

/// One tunnel's neighbours.
pub(crate) struct Side {
    guest: Pair<Frame, Frame>,
    net: Pair<Datagram, Datagram>,
    keys: Pair<Completion, Request>,
    /// What the tunnel is told, until it has asked.
    configuration: String,
    /// Where it is, to the other.
    pub(crate) place: SocketAddr,
}

impl Side {
    pub(crate) fn open(
        component: &Component,
        name: &str,
        configuration: String,
        place: SocketAddr,
    ) -> Result<Self, String> {
        let open = |role| Channel::open_of(&component.memory, role, name).map_err(text);
        macro_rules! pair {
            ($role:literal, $length:expr, $output:ty, $input:ty) => {{
                let channel = open($role)?;
                Pair {
                    sender: channel.sender($length).map_err(text)?,
                    receiver: channel.receiver($length).map_err(text)?,
                    output: channel.output_data::<$output>($length),
                    input: channel.input_data::<$input>($length),
                    channel,
                }
            }};
        }
        Ok(Self {
            guest: pair!("guest", frame_api::QUEUE_LENGTH, Frame, Frame),
            net: pair!("net", datagram_api::QUEUE_LENGTH, Datagram, Datagram),
            keys: pair!("keys", BLOCK_QUEUE_LENGTH, Completion, Request),
            configuration,
            place,
        })
    }

    /// Answers the tunnel's question for its configuration, if it asks.
    pub(crate) fn answer_keys(&mut self) -> Result<(), String> {
        let Some(request) = self.keys.receiver.pop().map_err(text)? else {
            return Ok(());
        };
        let length = u32::try_from(self.configuration.len()).map_err(text)?;
        let store = [&length.to_le_bytes(), self.configuration.as_bytes()].concat();
        let data = usize::try_from(request.data).map_err(text)?;
        self.keys.output.write_at(data, &store).map_err(text)?;
        let completion = Completion::new(request.id, Ok(()));
        self.keys.sender.push(&completion).map_err(text)?;
        self.keys.channel.signal();
        Ok(())
    }

    /// The link as the guest sees it.
    pub(crate) fn link(&self) -> Link {
        Link::from_word(self.guest.channel.attention())
    }

    /// Sends a frame as the guest; whether there was room.
    pub(crate) fn send_frame(&mut self, frame: &[u8]) -> Result<bool, String> {
        if self.guest.sender.free().map_err(text)? == 0 {
            return Ok(false);
        }
        let place = self.guest.sender.next_place();
        let message = Frame::new(place as u64, frame.len(), Checksum::Unchecked);
        let message = message.map_err(|_| "a frame of a wild length")?;
        let at = place * frame_api::SLOT_SIZE;
        self.guest.output.write_at(at, frame).map_err(text)?;
        self.send_message(&message)?;
        Ok(true)
    }

    /// Sends a message about a frame, which may be none.
    pub(crate) fn send_message(&mut self, message: &Frame) -> Result<(), String> {
        self.guest.sender.push(message).map_err(text)?;
        self.guest.channel.signal();
        Ok(())
    }

    /// The next frame for the guest.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Vec<u8>>, String> {
        let Some(message) = self.guest.receiver.take().map_err(text)? else {
            return Ok(None);
        };
        let checked = message.check();
        let checked = checked.map_err(|_| format!("an illegal frame: {message:?}"))?;
        let mut frame = vec![0; checked.length];
        let input = &self.guest.input;
        input.read_at(checked.data, &mut frame).map_err(text)?;
        self.guest.receiver.release(1).map_err(text)?;
        Ok(Some(frame))
    }

    /// The next datagram that the tunnel sends, and where to.
    pub(crate) fn next_datagram(&mut self) -> Result<Option<(SocketAddr, Vec<u8>)>, String> {
        let Some(message) = self.net.receiver.take().map_err(text)? else {
            return Ok(None);
        };
        let outgoing = message.outgoing(self.net.input.len()).map_err(text)?;
        let mut datagram = vec![0; outgoing.length];
        let input = &self.net.input;
        input.read_at(outgoing.data, &mut datagram).map_err(text)?;
        self.net.receiver.release(1).map_err(text)?;
        Ok(Some((outgoing.to, datagram)))
    }

    /// Gives the tunnel a datagram; without room it is lost, as on any wire.
    pub(crate) fn deliver(&mut self, from: SocketAddr, datagram: &[u8]) -> Result<(), String> {
        if self.net.sender.free().map_err(text)? == 0 {
            return Ok(());
        }
        let data = self.net.sender.next_place() * datagram_api::SLOT_SIZE;
        self.net.output.write_at(data, datagram).map_err(text)?;
        let length = datagram.len();
        let message = Incoming::Payload { from, data, length };
        let message = message.to_datagram().map_err(text)?;
        self.net.sender.push(&message).map_err(text)?;
        self.net.channel.signal();
        Ok(())
    }

    /// Everything that the tunnel's side can read or write towards the wire, searched for `mark`.
    pub(crate) fn wire_shows(&self, mark: &[u8]) -> Result<bool, String> {
        let mut slot = vec![0; datagram_api::SLOT_SIZE];
        for number in 0..datagram_api::QUEUE_LENGTH {
            let at = number * datagram_api::SLOT_SIZE;
            self.net.input.read_at(at, &mut slot).map_err(text)?;
            if slot.windows(mark.len()).any(|window| window == mark) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

pub(crate) fn text(error: impl ToString) -> String {
    error.to_string()
}
