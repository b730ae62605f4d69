//! The channel to the network.

use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::net::SocketAddr;
use core::time::Duration;

use datagram_api::{Datagram, Incoming, Outgoing, QUEUE_LENGTH, SLOT_SIZE};
use runtime::{
    Clock, Component, DeadlineTimer, Notification, Ticks,
    shared_memory::{Channel, Receiver, RegionReader, RegionWriter, Sender},
};

pub(crate) struct Net {
    channel: Channel,
    notification: Notification,
    timer: DeadlineTimer,
    clock: Clock,
    requests: Sender<Datagram>,
    answers: Receiver<Datagram>,
    output: RegionWriter,
    input: RegionReader,
}

/// What the network said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Payload(SocketAddr, Vec<u8>),
    Other(Incoming),
}

impl Net {
    pub(crate) fn open(component: &Component) -> Result<Self, String> {
        let channel = Channel::open(&component.memory, "net").map_err(text)?;
        Ok(Self {
            notification: component.notification().map_err(text)?,
            timer: DeadlineTimer::open(&component.memory).map_err(text)?,
            clock: component.clock,
            requests: channel.sender(QUEUE_LENGTH).map_err(text)?,
            answers: channel.receiver(QUEUE_LENGTH).map_err(text)?,
            output: channel.output_data::<Datagram>(QUEUE_LENGTH),
            input: channel.input_data::<Datagram>(QUEUE_LENGTH),
            channel,
        })
    }

    /// Whether there is room for another datagram.
    pub(crate) fn has_room(&mut self) -> Result<bool, String> {
        Ok(self.requests.free().map_err(text)? > 0)
    }

    /// Puts a datagram into the queue.
    pub(crate) fn send(&mut self, to: SocketAddr, payload: &[u8]) -> Result<(), String> {
        let data = self.requests.next_place() * SLOT_SIZE;
        self.output.write_at(data, payload).map_err(text)?;
        let length = payload.len();
        let outgoing = Outgoing { to, data, length };
        let message = outgoing.to_datagram().map_err(text)?;
        self.requests.push(&message).map_err(text)
    }

    pub(crate) fn signal(&self) {
        self.channel.signal();
    }

    /// The moment, on a clock that counts instructions where figures are wanted.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now().0
    }

    pub(crate) fn in_time(&self, span: Duration) -> Ticks {
        self.clock.after(span)
    }

    /// What the network says next; nothing if it says nothing until `end`.
    pub(crate) fn wait(&mut self, end: Ticks) -> Result<Option<Heard>, String> {
        self.timer.set(end);
        loop {
            if let Some(message) = self.answers.pop().map_err(text)? {
                return self.understand(&message).map(Some);
            }
            if self.clock.now() >= end {
                return Ok(None);
            }
            let _ = self.notification.wait();
        }
    }

    fn understand(&self, message: &Datagram) -> Result<Heard, String> {
        let incoming = message.incoming(self.input.len()).map_err(text)?;
        let Incoming::Payload { from, data, length } = incoming else {
            return Ok(Heard::Other(incoming));
        };
        let mut payload = vec![0; length];
        self.input.read_at(data, &mut payload).map_err(text)?;
        Ok(Heard::Payload(from, payload))
    }
}

pub(crate) fn text(error: impl ToString) -> String {
    error.to_string()
}
