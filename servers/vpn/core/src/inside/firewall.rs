//! Which packets belong to flows that may be.
//!
//! The guest may begin flows, at a bounded rate; the outside may begin what the configuration lists, and
//! otherwise only answer. After a start nothing is known of connections that were there before (this component
//! may have been restarted), so TCP segments from outside that open nothing pass for a while: to a guest that
//! knows no such connection they mean nothing but a reset. What passed so opens no way for more: a segment that
//! opens a connection always needs a listed port, or a flow that the guest itself began.

use core::time::Duration;

use super::flows::{Flow, Flows, Key, Owner};
use super::fragments::{self, Fragments};
use super::packet::{ICMP, ICMP_6, Packet, Piece, TCP, TcpFlags, Transport, UDP};
use super::rate::TokenBucket;
use super::{Inbound, Refusal};

/// How long connections from before the start may show themselves.
const GRACE: Duration = Duration::from_secs(60);

/// Seconds after which a silent flow is forgotten: RFC 5382 and RFC 4787 ask for two hours and four minutes and
/// for two minutes at least.
const TCP_SECONDS: u64 = 7500;
const TCP_HALF_SECONDS: u64 = 60;
const UDP_SECONDS: u64 = 300;
const UDP_HALF_SECONDS: u64 = 60;
const ECHO_SECONDS: u64 = 60;
const OTHER_SECONDS: u64 = 300;

/// The state of all flows.
#[derive(Debug)]
pub(super) struct Firewall {
    flows: Flows,
    fragments: Fragments,
    inbound: Inbound,
    from_guest: TokenBucket,
    from_outside: TokenBucket,
    loose_until: Duration,
}

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Out,
    In,
}

impl Firewall {
    pub(super) fn new(inbound: Inbound, per_second: u32, seed: [u64; 2], now: Duration) -> Self {
        Self {
            flows: Flows::new(seed),
            fragments: Fragments::new(),
            inbound,
            from_guest: TokenBucket::new(per_second, now),
            from_outside: TokenBucket::new(per_second, now),
            loose_until: now + GRACE,
        }
    }

    /// Lets a packet of the guest pass, or does not. Later pieces have no transport.
    pub(super) fn outgoing(
        &mut self,
        packet: &Packet,
        transport: Option<Transport>,
        owner: Owner,
        now: Duration,
    ) -> Result<(), Refusal> {
        let Some(transport) = transport else {
            let key = fragment_key(packet).ok_or(Refusal::Fragment)?;
            let first = self.fragments.find(&key, now);
            return first.map(drop).ok_or(Refusal::Fragment);
        };
        let key = key(packet, transport, Way::Out).ok_or(Refusal::NoRoute)?;
        let flags = flags_of(transport);
        let seconds = now.as_secs();
        if let Some(flow) = self.flows.find(&key, seconds) {
            if !matches!(transport, Transport::Error(_)) {
                flow.outward = true;
                flow.begun_inside |= flags.begins();
                flow.owner = owner;
                refresh(flow, packet.protocol, flags, seconds);
            }
        } else {
            let begins = match transport {
                Transport::Echo { request, .. } => request,
                Transport::Error(_) => false,
                _ => true,
            };
            if !begins {
                return Err(Refusal::Uninvited);
            }
            if !self.from_guest.take(now) {
                return Err(Refusal::Rate);
            }
            self.begin(key, packet.protocol, (Way::Out, flags), owner, seconds);
        }
        self.remember_first_piece(packet, owner, now);
        Ok(())
    }

    /// Lets a packet for the guest pass, or does not; says whose flow it is. `owner` is who gets what nobody
    /// in the guest began.
    pub(super) fn incoming(
        &mut self,
        packet: &Packet,
        transport: Option<Transport>,
        owner: Owner,
        now: Duration,
    ) -> Result<Owner, Refusal> {
        let Some(transport) = transport else {
            let key = fragment_key(packet).ok_or(Refusal::Fragment)?;
            return self.fragments.find(&key, now).ok_or(Refusal::Fragment);
        };
        let key = key(packet, transport, Way::In).ok_or(Refusal::NoRoute)?;
        let flags = flags_of(transport);
        let seconds = now.as_secs();
        let may_open = !flags.begins() || self.is_invited(transport, now);
        let owner = if let Some(flow) = self.flows.find(&key, seconds) {
            if !may_open && !flow.begun_inside {
                return Err(Refusal::Uninvited);
            }
            if !matches!(transport, Transport::Error(_)) {
                flow.inward = true;
                refresh(flow, packet.protocol, flags, seconds);
            }
            flow.owner
        } else {
            if !self.is_invited(transport, now) {
                return Err(Refusal::Uninvited);
            }
            if !self.from_outside.take(now) {
                return Err(Refusal::Rate);
            }
            self.begin(key, packet.protocol, (Way::In, flags), owner, seconds);
            owner
        };
        self.remember_first_piece(packet, owner, now);
        Ok(owner)
    }

    fn is_invited(&self, transport: Transport, now: Duration) -> bool {
        match transport {
            Transport::Tcp { to, flags, .. } => {
                let is_older = !flags.opens && now < self.loose_until;
                is_older || flags.begins() && self.inbound.has_port(TCP, to)
            }
            Transport::Udp { to, .. } => self.inbound.has_port(UDP, to),
            Transport::Echo { request, .. } => request && self.inbound.has_echo(),
            Transport::Error(_) | Transport::Link | Transport::Other => false,
        }
    }

    fn begin(
        &mut self,
        key: Key,
        protocol: u8,
        (way, flags): (Way, TcpFlags),
        owner: Owner,
        seconds: u64,
    ) {
        let mut flow = Flow {
            expires: 0,
            outward: way == Way::Out,
            inward: way == Way::In,
            // A reset begins nothing: it is what the guest says to what it does not know.
            begun_inside: way == Way::Out && !flags.closes,
            closing: false,
            owner,
        };
        refresh(&mut flow, protocol, flags, seconds);
        self.flows.insert(key, flow, seconds);
    }

    fn remember_first_piece(&mut self, packet: &Packet, owner: Owner, now: Duration) {
        if let (Piece::First(_), Some(key)) = (packet.piece, fragment_key(packet)) {
            self.fragments.add(key, owner, now);
        }
    }
}

/// The flow that a packet is part of, or that the packet quoted in it is part of; none for what concerns only
/// the link.
fn key(packet: &Packet, transport: Transport, way: Way) -> Option<Key> {
    let (remote, own, other) = match transport {
        Transport::Tcp { from, to, .. } | Transport::Udp { from, to } => match way {
            Way::Out => (packet.destination, from, to),
            Way::In => (packet.source, to, from),
        },
        Transport::Echo { identifier, .. } => match way {
            Way::Out => (packet.destination, identifier, 0),
            Way::In => (packet.source, identifier, 0),
        },
        // It went the other way.
        Transport::Error(quoted) => {
            let is_echo = [ICMP, ICMP_6].contains(&quoted.protocol);
            let (remote, own, other) = match way {
                Way::Out if is_echo => (quoted.source, quoted.from, 0),
                Way::Out => (quoted.source, quoted.to, quoted.from),
                Way::In => (quoted.destination, quoted.from, quoted.to),
            };
            return Some(Key::new(quoted.protocol, own, remote, other));
        }
        Transport::Other => match way {
            Way::Out => (packet.destination, 0, 0),
            Way::In => (packet.source, 0, 0),
        },
        Transport::Link => return None,
    };
    Some(Key::new(packet.protocol, own, remote, other))
}

fn fragment_key(packet: &Packet) -> Option<fragments::Key> {
    match packet.piece {
        Piece::Whole => None,
        Piece::First(identification) | Piece::Later(identification) => Some(fragments::Key {
            source: packet.source,
            destination: packet.destination,
            protocol: packet.protocol,
            identification,
        }),
    }
}

fn flags_of(transport: Transport) -> TcpFlags {
    match transport {
        Transport::Tcp { flags, .. } => flags,
        _ => TcpFlags::default(),
    }
}

fn refresh(flow: &mut Flow, protocol: u8, flags: TcpFlags, seconds: u64) {
    // A connection may begin where another one ended.
    flow.closing = flags.closes || flow.closing && !flags.opens;
    let both = flow.inward && flow.outward;
    flow.expires = seconds
        + match protocol {
            TCP if both && !flow.closing => TCP_SECONDS,
            TCP => TCP_HALF_SECONDS,
            UDP if both => UDP_SECONDS,
            UDP => UDP_HALF_SECONDS,
            ICMP | ICMP_6 => ECHO_SECONDS,
            _ => OTHER_SECONDS,
        };
}
