//! What the gateway itself offers to the guest: addresses, names, an echo.

use core::net::IpAddr;
use core::time::Duration;

use alloc::vec::Vec;

use super::addresses::is_unspecified;
use super::emit::GATEWAY_LINK_LOCAL;
use super::errors::Reason;
use super::names::{self, Answer, Late};
use super::neighbours::{self, Asked};
use super::packet::{ICMP, ICMP_6, Packet, Piece, Transport};
use super::question::Question;
use super::stream_names::{self, Fault};
use super::translation;
use super::{Event, Inside, Refusal, SERVICE_ADDRESS};
use super::{dhcp, emit};

const UDP_HEADER: usize = 8;
const ICMP_KIND_OF_REPLY: (u8, u8) = (0, 129);

impl Inside {
    /// Tells the guest of its router.
    pub(super) fn advertise(&mut self) {
        if let (Some(address), mtu) = (self.ipv6, self.mtu()) {
            let packet = neighbours::router_advertisement(address, mtu);
            // There is a next time.
            let _ = self.push_frame(emit::frame(&packet));
        }
    }

    /// Whether a packet of the guest concerns only the link.
    pub(super) fn is_of_the_link(&self, packet: &Packet, transport: Option<Transport>) -> bool {
        match (packet.source, packet.destination) {
            (IpAddr::V4(_), IpAddr::V4(destination)) => {
                let asks_for_lease = matches!(
                    transport,
                    Some(Transport::Udp {
                        to: dhcp::SERVER_PORT,
                        ..
                    })
                );
                asks_for_lease && (destination.is_broadcast() || destination == SERVICE_ADDRESS)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                transport == Some(Transport::Link)
                    || source.is_unspecified()
                    || source.is_unicast_link_local()
                    || destination.is_unicast_link_local()
            }
            _ => false,
        }
    }

    pub(super) fn link_packet(
        &mut self,
        bytes: &mut [u8],
        packet: &Packet,
        transport: Option<Transport>,
    ) -> Result<(), Refusal> {
        match (packet.source, transport) {
            (IpAddr::V4(source), Some(Transport::Udp { .. })) if packet.piece == Piece::Whole => {
                let lease = self.lease.ok_or(Refusal::NoAddress)?;
                if !is_unspecified(packet.source) && source != lease.address {
                    return Err(Refusal::Spoofed);
                }
                match lease.answer(packet.payload(bytes), &self.search)? {
                    Some(answer) => self.push_frame(emit::frame(&answer)),
                    None => Ok(()),
                }
            }
            (IpAddr::V6(asker), Some(Transport::Link)) => {
                let address = self.ipv6.ok_or(Refusal::NoAddress)?;
                let answer = match neighbours::asked(bytes, packet)? {
                    Asked::Nothing => return Ok(()),
                    Asked::Router => neighbours::router_advertisement(address, self.mtu()),
                    Asked::Gateway(target) => neighbours::neighbour_advertisement(target, asker),
                };
                self.push_frame(emit::frame(&answer))
            }
            (_, Some(Transport::Echo { request: true, .. }))
                if packet.destination == IpAddr::V6(GATEWAY_LINK_LOCAL) =>
            {
                self.echo(bytes, packet)
            }
            _ => Err(Refusal::NoRoute),
        }
    }

    /// A packet to the gateway's own address.
    pub(super) fn service_packet(
        &mut self,
        bytes: &mut [u8],
        packet: Packet,
        transport: Option<Transport>,
        now: Duration,
    ) -> Result<Option<usize>, Refusal> {
        match transport {
            _ if packet.piece != Piece::Whole => Err(Refusal::Fragment),
            Some(Transport::Echo { request: true, .. }) => self.echo(bytes, &packet).map(|()| None),
            Some(Transport::Udp {
                from,
                to: names::PORT,
            }) => {
                let asked = self.ask(bytes, &packet, from, now);
                if asked == Err(Refusal::NoService) {
                    self.complain(bytes, &packet, transport, Reason::NoPort, now);
                }
                asked.map(|()| None)
            }
            Some(Transport::Tcp {
                to: names::PORT, ..
            }) => self.stream(bytes, packet, transport, now),
            _ => {
                self.complain(bytes, &packet, transport, Reason::NoPort, now);
                Err(Refusal::NoService)
            }
        }
    }

    /// Sends a ping back: the addresses change places, and the kind of message changes.
    fn echo(&mut self, bytes: &[u8], packet: &Packet) -> Result<(), Refusal> {
        let reply = match (packet.source, packet.destination) {
            (IpAddr::V4(guest), IpAddr::V4(own)) => {
                let length = packet.length - packet.transport;
                emit::packet_4(own, guest, ICMP, length, |room| {
                    let request = bytes.get(packet.transport..packet.length);
                    room.copy_from_slice(request.unwrap_or_default());
                    replace_kind(room, ICMP_KIND_OF_REPLY.0);
                })
            }
            (IpAddr::V6(guest), IpAddr::V6(own)) => {
                let length = packet.length - packet.transport;
                let kind = (ICMP_6, emit::HOP_LIMIT);
                emit::packet_6(own, guest, kind, length, |room| {
                    let request = bytes.get(packet.transport..packet.length);
                    room.copy_from_slice(request.unwrap_or_default());
                    replace_kind(room, ICMP_KIND_OF_REPLY.1);
                })
            }
            _ => return Err(Refusal::Malformed),
        };
        self.push_frame(emit::frame(&reply))
    }

    /// A query of the guest.
    fn ask(
        &mut self,
        bytes: &[u8],
        packet: &Packet,
        from: u16,
        now: Duration,
    ) -> Result<(), Refusal> {
        let query = packet.payload(bytes).get(UDP_HEADER..).unwrap_or_default();
        let question = Question::of_query(query).ok_or(Refusal::BadName)?;
        let places = ((packet.source, from), packet.destination);
        if self.forbids_name(&question.name) {
            let answer = names::no_such_name(query, &question, places);
            self.events.add(now, || Event::BlockedName(question.name));
            if let Some(answer) = answer {
                self.push_frame(emit::frame(&answer))?;
            }
            return Err(Refusal::Blocked);
        }
        let packet = self
            .names
            .ask(query, question, places, &mut self.random, now)?;
        packet.map_or(Ok(()), |packet| self.push_packet(packet))
    }

    /// A segment of a connection to the gateway as a resolver.
    fn stream(
        &mut self,
        bytes: &mut [u8],
        packet: Packet,
        transport: Option<Transport>,
        now: Duration,
    ) -> Result<Option<usize>, Refusal> {
        let Some(resolver) = self.names.resolver_like(packet.destination) else {
            self.complain(bytes, &packet, transport, Reason::NoPort, now);
            return Err(Refusal::NoService);
        };
        let is_forbidden = |name: &str| self.forbids_name(name);
        let Err(fault) = stream_names::check(packet.payload(bytes), is_forbidden) else {
            return self
                .send(bytes, packet, transport, Some(resolver), now)
                .map(Some);
        };
        if let Some(reset) = stream_names::reset(bytes, &packet) {
            self.push_frame(emit::frame(&reset))?;
        }
        match fault {
            Fault::Cut => Err(Refusal::BadName),
            Fault::Forbidden(name) => {
                self.events.add(now, || Event::BlockedName(name));
                Err(Refusal::Blocked)
            }
        }
    }

    /// Takes a packet from outside if it answers a query of the gateway.
    pub(super) fn takes_answer(
        &mut self,
        bytes: &[u8],
        packet: &Packet,
        transport: Option<Transport>,
        now: Duration,
    ) -> Result<bool, Refusal> {
        let Some(Transport::Udp {
            from: names::PORT,
            to,
        }) = transport
        else {
            return Ok(false);
        };
        if packet.piece != Piece::Whole {
            return Ok(false);
        }
        let answer = packet.payload(bytes).get(UDP_HEADER..).unwrap_or_default();
        let places = ((packet.source, names::PORT), to);
        let list = self.blocklist.as_ref();
        let random = &mut self.random;
        match self.names.answered(places, answer, list, random, now) {
            None => Ok(false),
            Some(Answer::ToGuest(packet) | Answer::Unreadable(packet)) => self.push_answer(packet),
            Some(Answer::Again(packet)) => self.push_packet(packet).map(|()| true),
            Some(Answer::Forbidden(name, packet)) => {
                self.events.add(now, || Event::BlockedName(name));
                self.push_answer(packet)
            }
        }
    }

    fn push_answer(&mut self, packet: Vec<u8>) -> Result<bool, Refusal> {
        if packet.len() + frame_api::MIN_FRAME > frame_api::MAX_FRAME {
            return Err(Refusal::TooBig);
        }
        self.push_frame(emit::frame(&packet)).map(|()| true)
    }

    /// Asks others for names that were not answered in time.
    pub(super) fn late_names(&mut self, now: Duration) {
        while let Some(late) = self.names.late(&mut self.random, now) {
            // What finds no room is asked again by the guest.
            let _ = match late {
                Late::Again(packet) => self.push_packet(packet),
                Late::Failed(packet) => {
                    self.events.add(now, || Event::ResolversSilent);
                    self.push_frame(emit::frame(&packet))
                }
            };
        }
    }

    fn forbids_name(&self, name: &str) -> bool {
        let list = self.blocklist.as_ref();
        list.is_some_and(|list| list.forbids_name(name))
    }
}

fn replace_kind(message: &mut [u8], kind: u8) {
    let old = [message[0], message[1]];
    message[0] = kind;
    translation::adjust(message, 2, &old, &[kind, old[1]]);
}
