//! The wire's side: sealed messages, to and from the server that has the network device.

use core::net::SocketAddr;

use datagram_api::{Datagram, Incoming, Outgoing, QUEUE_LENGTH, SLOT_SIZE};
use runtime::shared_memory::{
    Channel, Memory, OpenError, PushError, Receiver, RegionReader, Sender,
};
use vpn_core::tunnel::{self, Wire};

use crate::peer::Peer;

/// The channel to the network's server.
///
/// It can send what the tunnel has sealed, and nothing else: its data area is written in [`Net::slot`], which
/// only the tunnel fills, and by [`Wire`], which only the tunnel calls.
pub(crate) struct Net {
    channel: Channel,
    outgoing: Sender<Datagram>,
    incoming: Receiver<Datagram>,
    output: &'static mut [u8],
    input: RegionReader,
    peer: Peer,
    has_sent: bool,
}

/// What came.
pub(crate) enum Arrived {
    /// A datagram, which lies where it is until it is [released](Net::release).
    Datagram { from: SocketAddr, payload: Payload },
    /// Something about the network.
    News(Incoming),
}

/// A datagram in memory that `net` may write at any time.
pub(crate) struct Payload(RegionReader);

impl tunnel::Datagram for Payload {
    fn length(&self) -> usize {
        self.0.len()
    }

    fn read(&self, at: usize, part: &mut [u8]) {
        // What is not inside is refused, and nothing comes of it.
        let _ = self.0.read_at(at, part);
    }
}

impl Net {
    pub(crate) fn open(memory: &Memory) -> Result<Self, OpenError> {
        let (channel, output) =
            Channel::open_with_data_area::<Datagram>(memory, "net", QUEUE_LENGTH)?;
        Ok(Self {
            outgoing: channel.sender(QUEUE_LENGTH)?,
            incoming: channel.receiver(QUEUE_LENGTH)?,
            input: channel.input_data::<Datagram>(QUEUE_LENGTH),
            channel,
            output,
            peer: Peer::new("net"),
            has_sent: false,
        })
    }

    /// Takes what came next, if there is anything; it is to be [released](Self::release) before the next is taken.
    pub(crate) fn take(&mut self) -> Option<Arrived> {
        if self.peer.is_cut_off() && !self.incoming.peer_is_new() {
            return None;
        }
        let message = match self.incoming.take() {
            Ok(message) => message?,
            Err(error) => return self.peer.noted(error),
        };
        let arrived = self.find(&message);
        if arrived.is_none() {
            self.peer.cut_off();
            self.release();
        }
        arrived
    }

    /// Nothing of what was taken is read any more.
    pub(crate) fn release(&mut self) {
        // This side's region holds its counts: it was checked when the channel was opened.
        let _ = self.incoming.release(1);
    }

    fn find(&self, message: &Datagram) -> Option<Arrived> {
        let incoming = message.incoming(self.input.len()).ok()?;
        let Incoming::Payload { from, data, length } = incoming else {
            return Some(Arrived::News(incoming));
        };
        let payload = Payload(self.input.part(data, length).ok()?);
        Some(Arrived::Datagram { from, payload })
    }

    /// Where the next message to be sent is made, if one can be sent now.
    pub(crate) fn slot(&mut self) -> Option<&mut [u8]> {
        let free = match self.outgoing.free() {
            Ok(free) => free,
            Err(error) => self.peer.noted(error)?,
        };
        if free == 0 || self.peer.is_cut_off() {
            return None;
        }
        let begin = self.outgoing.next_place() * SLOT_SIZE;
        self.output.get_mut(begin..begin + SLOT_SIZE)
    }

    /// Sends the `length` bytes that were made in the slot.
    pub(crate) fn send_slot(&mut self, to: SocketAddr, length: usize) {
        let data = self.outgoing.next_place() * SLOT_SIZE;
        let Ok(message) = (Outgoing { to, data, length }).to_datagram() else {
            return;
        };
        match self.outgoing.push(&message) {
            Ok(()) => self.has_sent = true,
            Err(PushError::PeerMisbehaved) => self.peer.cut_off(),
            // It is lost, as on any wire.
            Err(PushError::Full | PushError::PeerReset) => {}
        }
    }

    /// The channel to be signalled, if there is something to send. That there is room again is no news: the server
    /// waits for nobody's room. Answers once.
    pub(crate) fn whom_to_wake(&mut self) -> Option<&Channel> {
        core::mem::take(&mut self.has_sent).then_some(&self.channel)
    }
}

impl Wire for Net {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        let slot = self.slot();
        let Some(place) = slot.and_then(|slot| slot.get_mut(..datagram.len())) else {
            return;
        };
        place.copy_from_slice(datagram);
        self.send_slot(to, datagram.len());
    }
}
