//! From the clients to the device.

use core::time::Duration;

use datagram_api::{Incoming, Outgoing};
use virtio::Transport;

use super::{Network, Turn};
use crate::addresses::NoRoute;
use crate::checksum::Sum;
use crate::client::Taken;
use crate::counters::Reason;
use crate::driver::BrokenDevice;
use crate::envelope::{Envelope, Filling};
use crate::notices::Notice;
use crate::paths::{PathNumber, Ready};
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
        self.check_size(index, path, taken, now)?;
        if !self.has_headers(index, path, now) && !self.write_headers(index, path, taken, now)? {
            return Ok(Departure::Copied);
        }
        self.hand_over(index, path, taken)
    }

    /// Refuses what the path does not take, and says so to the client.
    fn check_size(
        &mut self,
        index: usize,
        path: PathNumber,
        taken: &Taken,
        now: Duration,
    ) -> Result<(), Reason> {
        let Outgoing { to, length, .. } = taken.outgoing;
        let link = self.driver.mtu();
        let client = &mut self.clients[index];
        let path = client.paths.at(path).ok_or(Reason::NotSendable)?;
        let mtu = path.mtu(link, now);
        if length + Envelope::overhead(to.ip()) <= usize::from(mtu) {
            return Ok(());
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
        let Some(found) = self.neighbours.find(route.next_hop, now) else {
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
    ) -> Result<Departure, Reason> {
        let length = taken.outgoing.length;
        let client = &mut self.clients[index];
        let payload = client.payload(&taken.outgoing);
        let path = client.paths.at(path).ok_or(Reason::NotSendable)?;
        let ready = path.ready.as_ref().ok_or(Reason::NoNeighbour)?;
        let filling = if self.driver.fills_in_checksums() {
            Filling::Device
        } else {
            let sum = payload.sum_at(0, length).map_err(|_| Reason::NotSendable)?;
            Filling::Here(Sum::default().and_region(sum))
        };
        let length = u16::try_from(length).map_err(|_| Reason::TooLarge)?;
        let addressed = ready.envelope.address(length, filling);
        let piece = Piece {
            address: payload.physical_address(0).ok_or(Reason::NotSendable)?,
            length: u32::from(length),
        };
        let number = u8::try_from(index).map_err(|_| Reason::NotSendable)?;
        let token = Token(u32::from_le_bytes([taken.place, number, 0, 0]));
        let sent = self
            .driver
            .send(addressed.bytes(), addressed.checksum, piece, token);
        sent.map_err(|_| Reason::DeviceIsFull)?;
        path.note(length, &payload);
        Ok(Departure::OnItsWay)
    }

    /// Sends what was copied while its next hop was asked for.
    pub(super) fn send_waiting(&mut self, waiting: &Waiting, mac: [u8; 6]) -> Result<(), Reason> {
        let client = self.clients.get(waiting.client).ok_or(Reason::NoClient)?;
        let from = (waiting.source, client.port()).into();
        let devices = (self.addresses.mac, mac);
        let envelope = Envelope::new(devices, from, waiting.to).ok_or(Reason::NotSendable)?;
        let length = u16::try_from(waiting.payload.len()).map_err(|_| Reason::TooLarge)?;
        let filling = Filling::Here(Sum::of(&waiting.payload));
        let addressed = envelope.address(length, filling);
        let sent = self
            .driver
            .send_copy(&[addressed.bytes(), &waiting.payload]);
        sent.map_err(|_| Reason::DeviceIsFull)?;
        self.counters.sent += 1;
        Ok(())
    }

    pub(super) fn send_own(&mut self) {
        for frame in core::mem::take(&mut self.out) {
            if self.driver.send_copy(&[&frame]).is_err() {
                self.drop_for(Reason::DeviceIsFull);
            }
        }
    }
}
