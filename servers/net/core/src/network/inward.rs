//! From the device to the clients.

use core::net::IpAddr;
use core::time::Duration;

use datagram_api::Incoming;
use shared_memory::RegionReader;
use virtio::Transport;

use super::{Network, Turn};
use crate::arp;
use crate::arrival::{Arrival, HEAD_SIZE, Payload, sort, sort_whole};
use crate::checksum::Sum;
use crate::client::Client;
use crate::counters::Reason;
use crate::discovery::Found;
use crate::driver::BrokenDevice;
use crate::icmp::{self, Trouble, TroubleKind};
use crate::notices::Notice;
use crate::reassembly::Part;
use crate::receiver::Received;
use crate::settings::Ipv4Setting;

/// Frames that are taken in before clients have their turn.
const MOST_ARRIVALS: usize = 256;

impl<T: Transport> Network<T> {
    pub(super) fn take_arrivals(&mut self, now: Duration) -> Result<Turn, BrokenDevice> {
        for _ in 0..MOST_ARRIVALS {
            let Some(received) = self.driver.receive()? else {
                return Ok(Turn::Idle);
            };
            let taken = self.take_arrival(&received, now);
            self.driver.recycle(received);
            match taken {
                Ok(()) => {}
                Err(reason) => self.drop_for(reason),
            }
        }
        Ok(Turn::More)
    }

    fn take_arrival(&mut self, received: &Received, now: Duration) -> Result<(), Reason> {
        let frame = self.driver.frame(received);
        let mut head = [0; HEAD_SIZE];
        let head = &mut head[..frame.len().min(HEAD_SIZE)];
        frame.read_at(0, head).map_err(|_| Reason::Malformed)?;
        match sort(head, frame.len(), &self.addresses)? {
            Arrival::Payload(payload) => self.deliver(received, &payload),
            Arrival::Part(part) => self.put_together(received, &part, now),
            arrival => {
                if let Arrival::Dhcp6(payload) = &arrival {
                    check_sum(&frame, received, payload)?;
                }
                let mut whole = core::mem::take(&mut self.scratch);
                let length = frame.len().min(whole.len());
                let read = frame.read_at(0, &mut whole[..length]);
                let taken = match read {
                    Ok(()) => self.take_control(&whole[..length], arrival, now),
                    Err(_) => Err(Reason::Malformed),
                };
                self.scratch = whole;
                taken
            }
        }
    }

    fn deliver(&mut self, received: &Received, payload: &Payload) -> Result<(), Reason> {
        let frame = self.driver.frame(received);
        let mut clients = self.clients.iter_mut();
        let client = clients.find(|client| client.port() == payload.port);
        let client = client.ok_or(Reason::NoClient)?;
        check_sum(&frame, received, payload)?;
        client.deliver(payload.from, &frame, payload.start, payload.length)?;
        self.counters.received += 1;
        Ok(())
    }

    /// Takes a piece of a datagram from a host to which some client sends, and delivers the whole if it was the last.
    fn put_together(
        &mut self,
        received: &Received,
        part: &Part,
        now: Duration,
    ) -> Result<(), Reason> {
        let is_expected = |client: &Client| client.paths.lead_to(part.whole.from);
        if !self.clients.iter().any(is_expected) {
            return Err(Reason::Fragment);
        }
        let frame = self.driver.frame(received);
        let Some(datagram) = self.reassembly.take(part, &frame, now)? else {
            return Ok(());
        };
        let whole = sort_whole(&datagram, &part.whole)?;
        let payload = datagram.get(whole.start..whole.start + whole.length);
        let payload = payload.ok_or(Reason::Malformed)?;
        if whole
            .sum
            .is_some_and(|sum| !sum.and(Sum::of(payload)).is_good())
        {
            return Err(Reason::BadChecksum);
        }
        let mut clients = self.clients.iter_mut();
        let client = clients.find(|client| client.port() == whole.port);
        let client = client.ok_or(Reason::NoClient)?;
        client.deliver_whole(whole.from, payload)?;
        self.counters.received += 1;
        Ok(())
    }

    fn take_control(
        &mut self,
        frame: &[u8],
        arrival: Arrival,
        now: Duration,
    ) -> Result<(), Reason> {
        self.deadline_is_stale = true;
        match arrival {
            Arrival::Payload(_) | Arrival::Part(_) => Ok(()),
            Arrival::Arp => {
                if let Some((address, mac)) = arp::answer(frame, &self.addresses) {
                    self.learn(address, mac, now);
                }
                self.lease.poll(Some(frame), now, &mut self.out);
                self.renew_addresses(now);
                self.send_own();
                Ok(())
            }
            Arrival::Dhcp => {
                if self.setup.ipv4 != Ipv4Setting::Dhcp {
                    return Err(Reason::OtherProtocol);
                }
                self.lease.hear(frame, now, &mut self.out)?;
                self.renew_addresses(now);
                Ok(())
            }
            Arrival::Dhcp6(payload) => {
                let message = frame.get(payload.start..payload.start + payload.length);
                let message = message.ok_or(Reason::Malformed)?;
                self.discovery.take_dhcp(message, now)?;
                self.discovery.poll(now, &mut self.out);
                self.renew_addresses(now);
                Ok(())
            }
            Arrival::Discovery => {
                match self.discovery.take(frame, &self.addresses, now) {
                    Found::Nothing => return Err(Reason::NotForUs),
                    Found::Answer(answer) => self.out.push(answer),
                    Found::Neighbour { address, mac } => self.learn(address, mac, now),
                    Found::Router => {
                        self.discovery.poll(now, &mut self.out);
                        self.renew_addresses(now);
                    }
                    Found::Taken(address) => {
                        self.notices.add(Notice::Taken(address), now);
                        self.discovery.poll(now, &mut self.out);
                        self.renew_addresses(now);
                    }
                }
                self.send_own();
                Ok(())
            }
            Arrival::Icmp { ip, message, end } => {
                let packet = frame.get(ip..end).ok_or(Reason::Malformed)?;
                let trouble = icmp::trouble(packet, message - ip)?;
                self.pass_on(&trouble, now)
            }
        }
    }

    /// Tells the client concerned of trouble with a datagram that it sent lately.
    fn pass_on(&mut self, trouble: &Trouble, now: Duration) -> Result<(), Reason> {
        if !self.addresses.has(trouble.from) {
            return Err(Reason::UselessError);
        }
        let link = self.driver.mtu();
        let mut clients = self.clients.iter_mut();
        let client = clients.find(|client| client.port() == trouble.port);
        let client = client.ok_or(Reason::UselessError)?;
        let path = client.paths.known(trouble.to);
        let path = path.ok_or(Reason::UselessError)?;
        let (is_news, word) = match trouble.kind {
            TroubleKind::TooLarge { mtu } => {
                let is_about_ours = trouble.mark.is_some_and(|mark| path.refused(&mark, mtu));
                if !is_about_ours {
                    return Err(Reason::UselessError);
                }
                let address = trouble.to.ip();
                let is_news = path.shrink(mtu, link, now);
                (is_news, Incoming::PathMtu { address, mtu })
            }
            TroubleKind::Unreachable => {
                let word = Incoming::Unreachable { to: trouble.to };
                (path.may_tell(now), word)
            }
        };
        if !is_news {
            return Err(Reason::UselessError);
        }
        client.tell(word)
    }

    fn learn(&mut self, address: IpAddr, mac: [u8; 6], now: Duration) {
        if !self.neighbours.learn(address, mac, now) {
            return;
        }
        self.epoch += 1;
        for waiting in self.waiting.take_those_for(address) {
            if let Err(reason) = self.send_waiting(&waiting, mac, now) {
                self.drop_for(reason);
            }
        }
    }
}

/// Whether what came is what was sent, unless the device vouches for it.
fn check_sum(frame: &RegionReader, received: &Received, payload: &Payload) -> Result<(), Reason> {
    let Some(sum) = payload.sum.filter(|_| !received.checksum_is_good) else {
        return Ok(());
    };
    let rest = frame.sum_at(payload.start, payload.length);
    let rest = rest.map_err(|_| Reason::Malformed)?;
    if sum.and_region(rest).is_good() {
        Ok(())
    } else {
        Err(Reason::BadChecksum)
    }
}
