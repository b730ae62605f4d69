//! From chains to frames in the channel.

use frame_api::{Checksum, MAX_FRAME, MIN_FRAME};

use super::{
    header::{Said, parse},
    registers::HEADER_BYTES,
    segments::{HEADERS_MAX, LARGE_MAX, Order, Segments},
    state::Network,
};
use crate::{
    host::Host,
    number::low_u32,
    virtio::{
        chain::Side,
        queue::{Notifications, Queue, QueueError},
    },
};

/// What became of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// All of it is in the channel.
    All,
    /// The channel has no room for the rest.
    Part,
}

impl Network {
    /// Sends what the guest made available, as long as the channel has room.
    pub(super) fn send_all<H: Host>(
        &mut self,
        queue: &mut Queue,
        features: u64,
        host: &mut H,
    ) -> Result<(), QueueError> {
        for _ in 0..queue.size {
            if !host.network().is_some_and(|channel| channel.has_room()) {
                return queue.set_notifications(host.memory(), Notifications::Unwanted);
            }
            if self.large.is_none() && !queue.pop(host.memory(), &mut self.outgoing)? {
                break;
            }
            match self.send(features, host) {
                Some(Sent::All) => {}
                Some(Sent::Part) => {
                    return queue.set_notifications(host.memory(), Notifications::Unwanted);
                }
                None => self.illegal.count("the guest sent what is no frame", host),
            }
            queue.push_used(host.memory(), self.outgoing.head, 0)?;
        }
        queue.set_notifications(host.memory(), Notifications::Wanted)
    }

    /// Copies the chain's frame into the channel, if it is one, or goes on with what is left of a large one.
    fn send<H: Host>(&mut self, features: u64, host: &mut H) -> Option<Sent> {
        if self.large.is_none() {
            let mut header = [0; HEADER_BYTES];
            self.outgoing.read(host.memory(), 0, &mut header).ok()?;
            match parse(header, features)? {
                Said::Frame(checksum) => return self.send_frame(checksum, host),
                Said::Large(order) => self.large = Some(self.begin(order, host)?),
            }
        }
        let sent = self.send_segments(host);
        if sent != Some(Sent::Part) {
            self.large = None;
        }
        sent
    }

    fn send_frame<H: Host>(&mut self, checksum: Checksum, host: &mut H) -> Option<Sent> {
        let length = self.frame_length(MAX_FRAME)?;
        let start = HEADER_BYTES as u64;
        let channel = host.network()?;
        self.outgoing
            .visit(Side::Readable, start, length as u64, |address, at, part| {
                channel.fill(low_u32(at), address, low_u32(part))
            })
            .ok()?;
        channel.send(length, checksum).ok()?;
        Some(Sent::All)
    }

    /// Looks at the headers of a large frame.
    fn begin<H: Host>(&self, order: Order, host: &H) -> Option<Segments> {
        let length = self.frame_length(LARGE_MAX)?;
        let mut first = [0; HEADERS_MAX];
        let first = &mut first[..length.min(HEADERS_MAX)];
        let start = HEADER_BYTES as u64;
        self.outgoing.read(host.memory(), start, first).ok()?;
        Segments::new(order, first, length)
    }

    /// Copies segments into the channel, as long as it has room.
    fn send_segments<H: Host>(&mut self, host: &mut H) -> Option<Sent> {
        let (large, channel) = (self.large.as_mut()?, host.network()?);
        while !large.is_done() {
            if !channel.has_room() {
                return Some(Sent::Part);
            }
            let segment = large.next()?;
            channel.put(0, segment.headers).ok()?;
            let (front, start) = (segment.headers.len(), HEADER_BYTES + segment.from);
            let (start, length) = (start as u64, segment.payload as u64);
            self.outgoing
                .visit(Side::Readable, start, length, |address, at, part| {
                    channel.fill(low_u32(front as u64 + at), address, low_u32(part))
                })
                .ok()?;
            let length = front + segment.payload;
            channel.send(length, segment.checksum).ok()?;
        }
        Some(Sent::All)
    }

    /// Bytes of the frame in the chain, if it is one of at most `most`.
    fn frame_length(&self, most: usize) -> Option<usize> {
        let bytes = usize::try_from(self.outgoing.length(Side::Readable)).ok()?;
        let length = bytes.checked_sub(HEADER_BYTES)?;
        (MIN_FRAME..=most).contains(&length).then_some(length)
    }
}
