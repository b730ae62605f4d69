//! From the clients to the device.

use core::time::Duration;

use datagram_api::{Incoming, LEAST_CARRIED, Outgoing};
use shared_memory::RegionReader;
use virtio::Transport;

use super::{Network, Turn};
use crate::addresses::NoRoute;
use crate::checksum::Sum;
use crate::client::Taken;
use crate::counters::Reason;
use crate::driver::BrokenDevice;
use crate::envelope::{Addressed, Envelope, Filling};
use crate::notices::Notice;
use crate::paths::{PathNumber, Ready};
use crate::pieces::{Cut, cut};
use crate::transmitter::{Piece, Token};
use crate::waiting::Waiting;

/// Datagrams of a client that are sent before the next has its turn.
const MOST_DEPARTURES: usize = 64;

/// What became of a client's datagram.
enum Departure {
    /// The device reads it.
    OnItsWay,
    /// It was copied, and waits.
    Copied,
}

/// How a datagram gets through.
#[derive(Clone, Copy)]
enum Size {
    /// As it is.
    Fits,
    /// In pieces that fit into packets of so many bytes.
    InPieces(u16),
}

impl<T: Transport> Network<T> {
    pub(super) fn take_sent(&mut self) -> Result<(), BrokenDevice> {
        while let Some(Token(token)) = self.driver.take_sent()? {
            let [place, client, ..] = token.to_le_bytes();
            if let Some(client) = self.clients.get_mut(usize::from(client)) {
                client.done(place);
            }
        }
        Ok(())
    }

    pub(super) fn send_for_clients(&mut self, now: Duration) -> Turn {
        let mut turn = Turn::Idle;
        let count = self.clients.len();
        self.first_client = (self.first_client + 1) % count.max(1);
        for index in 0..count {
            let index = (index + self.first_client) % count;
            let mut left = MOST_DEPARTURES;
            while left > 0 && self.driver.can_send() {
                let client = &mut self.clients[index];
                match client.take() {
                    Ok(None) => break,
                    Ok(Some(taken)) => self.send_or_drop(index, &taken, now),
                    Err(_) => self.notices.add(Notice::CutOff(client.name()), now),
                }
                left -= 1;
            }
            if left == 0 {
                turn = Turn::More;
            }
        }
        turn
    }

    fn send_or_drop(&mut self, index: usize, taken: &Taken, now: Duration) {
        match self.send(index, taken, now) {
            Ok(Departure::OnItsWay) => self.counters.sent += 1,
            Ok(Departure::Copied) => self.clients[index].done(taken.place),
            Err(reason) => {
                self.drop_for(reason);
                self.clients[index].done(taken.place);
            }
        }
    }

    fn send(&mut self, index: usize, taken: &Taken, now: Duration) -> Result<Departure, Reason> {
        let path = self.clients[index].paths.find(taken.outgoing.to, now);
        let size = self.check_size(index, path, taken, now)?;
        if !self.has_headers(index, path, now) && !self.write_headers(index, path, taken, now)? {
            return Ok(Departure::Copied);
        }
        self.hand_over(index, path, taken, size)
    }

    /// Whether the path takes the datagram. What it takes in pieces only is refused, and the client is told so, if
    /// it is longer than what is always carried.
    fn check_size(
        &mut self,
        index: usize,
        path: PathNumber,
        taken: &Taken,
        now: Duration,
    ) -> Result<Size, Reason> {
        let Outgoing { to, length, .. } = taken.outgoing;
        let link = self.driver.mtu();
        let client = &mut self.clients[index];
        let path = client.paths.at(path).ok_or(Reason::NotSendable)?;
        let mtu = path.mtu(link, now);
        if length + Envelope::overhead(to.ip()) <= usize::from(mtu) {
            return Ok(Size::Fits);
        }
        if length <= LEAST_CARRIED {
            return Ok(Size::InPieces(mtu));
        }
        if path.may_tell(now) {
            let (address, mtu) = (to.ip(), u32::from(mtu));
            // Who has no room for the word hears it the next time.
            let _ = client.tell(Incoming::PathMtu { address, mtu });
        }
        Err(Reason::TooLarge)
    }

    /// Whether the headers for that place are written, and still right.
    fn has_headers(&mut self, index: usize, path: PathNumber, now: Duration) -> bool {
        let path = self.clients[index].paths.at(path);
        let ready = path.and_then(|path| path.ready.as_ref());
        ready.is_some_and(|ready| ready.epoch == self.epoch && now < ready.until)
    }

    /// Writes them. If the next hop has to be asked for, the datagram is copied and waits; then this is `false`.
    fn write_headers(
        &mut self,
        index: usize,
        path: PathNumber,
        taken: &Taken,
        now: Duration,
    ) -> Result<bool, Reason> {
        let to = taken.outgoing.to;
        if to.port() == 0 {
            return Err(Reason::NotSendable);
        }
        let route = self.addresses.route(to.ip()).map_err(|error| match error {
            NoRoute::Impossible => Reason::NotSendable,
            NoRoute::NotYet => Reason::NoAddress,
        })?;
        self.deadline_is_stale = true;
        let client = &mut self.clients[index];
        let Some(found) = self.neighbours.find(index, route.next_hop, now)? else {
            let payload = client.payload(&taken.outgoing);
            self.waiting.add(index, to, route, &payload)?;
            return Ok(false);
        };
        let from = (route.source, client.port()).into();
        let devices = (self.addresses.mac, found.mac);
        let envelope = Envelope::new(devices, from, to).ok_or(Reason::NotSendable)?;
        let path = client.paths.at(path).ok_or(Reason::NotSendable)?;
        path.ready = Some(Ready {
            envelope,
            epoch: self.epoch,
            until: found.until,
        });
        Ok(true)
    }

    /// Gives the datagram to the device, which reads the payload where it is.
    fn hand_over(
        &mut self,
        index: usize,
        path: PathNumber,
        taken: &Taken,
        size: Size,
    ) -> Result<Departure, Reason> {
        let length = taken.outgoing.length;
        let client = &mut self.clients[index];
        let payload = client.payload(&taken.outgoing);
        let ready = client.paths.at(path).and_then(|path| path.ready.as_ref());
        let ready = ready.ok_or(Reason::NoNeighbour)?;
        // Over pieces no device sums up.
        let filling = if self.driver.fills_in_checksums() && matches!(size, Size::Fits) {
            Filling::Device
        } else {
            let sum = payload.sum_at(0, length).map_err(|_| Reason::NotSendable)?;
            Filling::Here(Sum::default().and_region(sum))
        };
        let length = u16::try_from(length).map_err(|_| Reason::TooLarge)?;
        let addressed = ready.envelope.address(length, filling);
        let number = u8::try_from(index).map_err(|_| Reason::NotSendable)?;
        let token = Token(u32::from_le_bytes([taken.place, number, 0, 0]));
        match size {
            Size::Fits => {
                let (head, checksum) = (addressed.bytes(), addressed.checksum);
                let sent = self.driver.send(head, checksum, piece(&payload)?, token);
                sent.map_err(|_| Reason::DeviceIsFull)?;
            }
            Size::InPieces(mtu) => {
                let cuts = cut(payload.len(), mtu, taken.outgoing.to.ip());
                let frames = self.send_pieces(&addressed, &payload, cuts, token)?;
                self.clients[index].is_read_for(taken.place, frames);
            }
        }
        if let Some(path) = self.clients[index].paths.at(path) {
            path.note(length, &payload);
        }
        Ok(Departure::OnItsWay)
    }

    /// Gives the device a datagram in pieces, all or none; how many frames read the payload.
    fn send_pieces(
        &mut self,
        whole: &Addressed,
        payload: &RegionReader,
        cuts: impl ExactSizeIterator<Item = Cut>,
        token: Token,
    ) -> Result<u8, Reason> {
        if self.driver.room() < cuts.len() {
            return Err(Reason::DeviceIsFull);
        }
        let identification = self.next_identification();
        let mut frames = 0;
        for cut in cuts {
            let headers = whole.piece(&cut, identification);
            let part = payload.part(cut.payload.start, cut.payload.len());
            let part = part.map_err(|_| Reason::NotSendable)?;
            let sent = self
                .driver
                .send(headers.bytes(), None, piece(&part)?, token);
            sent.map_err(|_| Reason::DeviceIsFull)?;
            frames += 1;
        }
        Ok(frames)
    }

    /// What the pieces of the next datagram have in common: of 32 bits, the lower half does not repeat for long (RFC 6864, 4.2),
    /// the upper one nobody can guess (RFC 7739).
    fn next_identification(&mut self) -> u32 {
        self.identification = self.identification.wrapping_add(1);
        let [a, b, ..] = self.chance.number().to_be_bytes();
        let [c, d] = self.identification.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// Sends what was copied while its next hop was asked for.
    pub(super) fn send_waiting(
        &mut self,
        waiting: &Waiting,
        mac: [u8; 6],
        now: Duration,
    ) -> Result<(), Reason> {
        let link = self.driver.mtu();
        let client = self.clients.get_mut(waiting.client);
        let client = client.ok_or(Reason::NoClient)?;
        let path = client.paths.known(waiting.to);
        let mtu = path.map_or(link, |path| path.mtu(link, now));
        let from = (waiting.source, client.port()).into();
        let devices = (self.addresses.mac, mac);
        let envelope = Envelope::new(devices, from, waiting.to).ok_or(Reason::NotSendable)?;
        let length = u16::try_from(waiting.payload.len()).map_err(|_| Reason::TooLarge)?;
        let filling = Filling::Here(Sum::of(&waiting.payload));
        let addressed = envelope.address(length, filling);
        let overhead = Envelope::overhead(waiting.to.ip());
        if waiting.payload.len() + overhead <= usize::from(mtu) {
            self.copy_out(&[addressed.bytes(), &waiting.payload])?;
        } else {
            let identification = self.next_identification();
            for cut in cut(waiting.payload.len(), mtu, waiting.to.ip()) {
                let headers = addressed.piece(&cut, identification);
                self.copy_out(&[headers.bytes(), &waiting.payload[cut.payload]])?;
            }
        }
        self.counters.sent += 1;
        Ok(())
    }

    fn copy_out(&mut self, frame: &[&[u8]]) -> Result<(), Reason> {
        let sent = self.driver.send_copy(frame);
        sent.map_err(|_| Reason::DeviceIsFull)
    }

    pub(super) fn send_own(&mut self) {
        for frame in core::mem::take(&mut self.out) {
            if self.driver.send_copy(&[&frame]).is_err() {
                self.drop_for(Reason::DeviceIsFull);
            }
        }
    }
}

/// What the device reads where it is.
fn piece(payload: &RegionReader) -> Result<Piece, Reason> {
    Ok(Piece {
        address: payload.physical_address(0).ok_or(Reason::NotSendable)?,
        length: u32::try_from(payload.len()).map_err(|_| Reason::TooLarge)?,
    })
}
