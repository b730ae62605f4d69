//! A client: what it sends, what it gets, and its memory that the device reads.

use core::net::SocketAddr;

use datagram_api::{Datagram, Incoming, Outgoing, QUEUE_LENGTH, SLOT_SIZE, State};
use shared_memory::{
    Channel, ChannelError, OpenError, Receiver, RegionReader, RegionWriter, Sender,
};
use thiserror::Error;

use crate::counters::Reason;
use crate::paths::Paths;

/// A client of this server.
pub struct Client {
    name: &'static str,
    channel: Channel,
    port: u16,
    requests: Receiver<Datagram>,
    answers: Sender<Datagram>,
    /// Where received payloads go.
    output: RegionWriter,
    /// Where the device finds payloads to be sent.
    input: RegionReader,
    pub(crate) paths: Paths,
    taken: u64,
    released: u64,
    /// Of the messages that were taken and not released, those that are done with, by place.
    is_done: [bool; QUEUE_LENGTH],
    /// How many more frames than one the device has of each, by place.
    more_frames: [u8; QUEUE_LENGTH],
    told: Option<State>,
    owes_signal: bool,
    is_cut_off: bool,
}

/// Why a client cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ClientError {
    /// Its channel does not serve.
    #[error(transparent)]
    Channel(OpenError),
    /// The device cannot reach its memory.
    #[error("its memory has no physical address")]
    NoAddress,
}

/// A message of the client that was taken; its place is the client's again when it is [done](Client::done) with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) place: u8,
    pub(crate) outgoing: Outgoing,
}

impl Client {
    /// The client called `name` on `channel`, whose datagrams come from `port`.
    ///
    /// # Errors
    ///
    /// The channel does not serve.
    pub fn new(name: &'static str, channel: Channel, port: u16) -> Result<Self, ClientError> {
        let output = channel.output_data::<Datagram>(QUEUE_LENGTH);
        let input = channel.input_data::<Datagram>(QUEUE_LENGTH);
        if input.physical_address(0).is_none() {
            return Err(ClientError::NoAddress);
        }
        let requests = channel.receiver(QUEUE_LENGTH);
        let answers = channel.sender(QUEUE_LENGTH);
        Ok(Self {
            name,
            port,
            requests: requests.map_err(ClientError::Channel)?,
            answers: answers.map_err(ClientError::Channel)?,
            channel,
            output,
            input,
            paths: Paths::default(),
            taken: 0,
            released: 0,
            is_done: [false; QUEUE_LENGTH],
            more_frames: [0; QUEUE_LENGTH],
            told: None,
            owes_signal: false,
            is_cut_off: false,
        })
    }

    /// The UDP port that it speaks from.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What the manifest calls it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Takes the next message, if there is one. A client that breaks the rules is not listened to any more, until it is
    /// started afresh: the first time this answers an error.
    pub(crate) fn take(&mut self) -> Result<Option<Taken>, CutOff> {
        if self.is_cut_off && !self.requests.peer_is_new() {
            return Ok(None);
        }
        let message = match self.requests.take() {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(None),
            Err(ChannelError::PeerReset) => {
                self.meet_again();
                return Ok(None);
            }
            Err(ChannelError::PeerMisbehaved) => return Err(self.cut_off()),
        };
        let Ok(outgoing) = message.outgoing(self.input.len()) else {
            // It is done with, so that nothing holds up the client's next life.
            let place = self.next_place();
            self.done(place);
            return Err(self.cut_off());
        };
        let place = self.next_place();
        Ok(Some(Taken { place, outgoing }))
    }

    /// The place of the message that was taken just now.
    fn next_place(&mut self) -> u8 {
        let place = place(self.taken);
        self.taken += 1;
        place
    }

    /// The payload of a message that was taken. The client may still change it.
    pub(crate) fn payload(&self, outgoing: &Outgoing) -> RegionReader {
        let payload = self.input.part(outgoing.data, outgoing.length);
        payload.unwrap_or(RegionReader::EMPTY)
    }

    /// The payload of the message at `place` is read for so many frames, not for one.
    pub(crate) fn is_read_for(&mut self, place: u8, frames: u8) {
        self.more_frames[usize::from(place)] = frames.saturating_sub(1);
    }

    /// A frame that read the payload of the message at `place` was sent. If it was the last, nothing reads it any more.
    /// Places are released in order.
    pub(crate) fn done(&mut self, done: u8) {
        let more = &mut self.more_frames[usize::from(done)];
        if *more > 0 {
            *more -= 1;
            return;
        }
        self.is_done[usize::from(done)] = true;
        let before = self.released;
        while self.released < self.taken {
            let is_done = &mut self.is_done[usize::from(place(self.released))];
            if !core::mem::take(is_done) {
                break;
            }
            self.released += 1;
        }
        if self.released == before {
            return;
        }
        // A client that had filled more than half of its queue may be waiting for room.
        if self.taken - before > QUEUE_LENGTH as u64 / 2 {
            self.owes_signal = true;
        }
        // This side's region has counts; the queue would not have opened without.
        let _ = self.requests.release(self.released - before);
    }

    /// Gives the client a payload that came for its port, which lies in `frame` from `start` on.
    pub(crate) fn deliver(
        &mut self,
        from: SocketAddr,
        frame: &RegionReader,
        start: usize,
        length: usize,
    ) -> Result<(), Reason> {
        let data = self.room_for(length)?;
        let copied = self.output.copy_from(data, frame, start, length);
        copied.map_err(|_| Reason::Malformed)?;
        self.push(Incoming::Payload { from, data, length })
    }

    /// The same with a payload that was put together here.
    pub(crate) fn deliver_whole(&mut self, from: SocketAddr, payload: &[u8]) -> Result<(), Reason> {
        let length = payload.len();
        let data = self.room_for(length)?;
        let copied = self.output.write_at(data, payload);
        copied.map_err(|_| Reason::Malformed)?;
        self.push(Incoming::Payload { from, data, length })
    }

    /// Where the next payload goes.
    fn room_for(&mut self, length: usize) -> Result<usize, Reason> {
        if self.is_cut_off {
            return Err(Reason::NoClient);
        }
        if length > SLOT_SIZE {
            return Err(Reason::Malformed);
        }
        self.room()?;
        Ok(self.answers.next_place() * SLOT_SIZE)
    }

    /// Tells the client something, if it has room for it.
    pub(crate) fn tell(&mut self, incoming: Incoming) -> Result<(), Reason> {
        self.room()?;
        self.push(incoming)
    }

    /// Tells the client what the network is like, unless it knows; tries again the next time if it has no room.
    pub(crate) fn tell_state(&mut self, state: State) {
        if self.told != Some(state) && self.tell(Incoming::State(state)).is_ok() {
            self.told = Some(state);
        }
    }

    /// The channel to be signalled, if there is anything new for the client. Answers once.
    pub(crate) fn whom_to_wake(&mut self) -> Option<&Channel> {
        core::mem::take(&mut self.owes_signal).then_some(&self.channel)
    }

    fn room(&mut self) -> Result<(), Reason> {
        if self.is_cut_off {
            return Err(Reason::ClientIsSlow);
        }
        match self.answers.free() {
            Ok(0) | Err(ChannelError::PeerMisbehaved) => Err(Reason::ClientIsSlow),
            Ok(_) => Ok(()),
            Err(ChannelError::PeerReset) => {
                // It knows nothing of the network yet, and waits to be noticed.
                self.told = None;
                self.owes_signal = true;
                Err(Reason::ClientIsSlow)
            }
        }
    }

    /// The client was started afresh. Nothing of its life before is read any more: the queue says so only then.
    fn meet_again(&mut self) {
        self.taken = 0;
        self.released = 0;
        self.is_done = [false; QUEUE_LENGTH];
        self.more_frames = [0; QUEUE_LENGTH];
        self.is_cut_off = false;
        self.owes_signal = true;
    }

    fn push(&mut self, incoming: Incoming) -> Result<(), Reason> {
        let message = incoming.to_datagram().map_err(|_| Reason::Malformed)?;
        let pushed = self.answers.push(&message);
        pushed.map_err(|_| Reason::ClientIsSlow)?;
        self.owes_signal = true;
        Ok(())
    }

    fn cut_off(&mut self) -> CutOff {
        self.is_cut_off = true;
        CutOff
    }
}

/// The client broke the rules of its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CutOff;

/// The place of message number `count` in its queue.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the remainder is below 256, the length of the queue"
)]
fn place(count: u64) -> u8 {
    const { assert!(QUEUE_LENGTH == 256) };
    (count % QUEUE_LENGTH as u64) as u8
}
