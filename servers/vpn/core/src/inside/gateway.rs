//! The gateway between the guest's link and the tunnel.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::Range;
use core::time::Duration;

use frame_api::{Checksum, GATEWAY_ADDRESS, GUEST_ADDRESS, MAX_FRAME, MIN_FRAME};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use smoltcp::wire::{EthernetAddress, EthernetFrame, EthernetProtocol};

use super::dhcp::Lease;
use super::errors::{self, IPV6_MTU_MIN, Reason};
use super::event::Events;
use super::firewall::Firewall;
use super::flows::Owner;
use super::names::Names;
use super::packet::{Packet, Piece, Transport};
use super::path_mtu::PathMtu;
use super::rate::TokenBucket;
use super::translation::{self, Which};
use super::{Blocklist, Configuration, Counters, Event, Refusal};
use super::{emit, names, neighbours, segment_size};

/// What becomes of a frame from the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromGuest {
    /// This part of the frame is an IP packet for the tunnel.
    Packet(Range<usize>),
    /// It was for the gateway; what the gateway says to it comes by [`Inside::next_frame`] and
    /// [`Inside::next_packet`].
    Taken,
    /// It goes nowhere.
    Refused(Refusal),
}

/// What becomes of a packet from the tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToGuest {
    /// The frame for the guest has so many bytes.
    Frame(usize),
    /// It was for the gateway.
    Taken,
    /// It goes nowhere.
    Refused(Refusal),
}

/// The gateway: one guest, its link, its firewall.
#[derive(Debug)]
pub struct Inside {
    pub(super) lease: Option<Lease>,
    pub(super) ipv6: Option<Ipv6Addr>,
    path: PathMtu,
    firewall: Firewall,
    pub(super) names: Names,
    pub(super) blocklist: Option<Blocklist>,
    pub(super) random: ChaCha20Rng,
    /// Where in its `/64` the guest has sent from last.
    identifier: u64,
    advertise_at: Duration,
    errors: TokenBucket,
    frames: VecDeque<Vec<u8>>,
    packets: VecDeque<Vec<u8>>,
    pub(super) events: Events,
    counters: Counters,
}

/// What the gateway says that nobody has taken yet, each way.
const QUEUE_MAX: usize = 128;

/// How often the guest is told of its router without asking.
const ADVERTISEMENT_INTERVAL: Duration = Duration::from_secs(200);

/// Errors that the guest is told of in a second (RFC 4443, section 2.4 (f)).
const ERRORS_PER_SECOND: u32 = 50;

/// The longest IP packet of a frame.
const MTU_MAX: u16 = 1500;

impl Inside {
    /// A gateway that knows nothing of earlier flows. `seed` must be secret and never used twice.
    #[must_use]
    pub fn new(configuration: Configuration, seed: [u8; 32], now: Duration) -> Self {
        let mut random = ChaCha20Rng::from_seed(seed);
        let flow_seed = [random.next_u64(), random.next_u64()];
        let mtu = configuration.mtu.clamp(IPV6_MTU_MIN, MTU_MAX);
        let per_second = configuration.flows_per_second;
        let own = (configuration.ipv4, configuration.ipv6);
        Self {
            lease: configuration.ipv4.map(|address| Lease { address, mtu }),
            ipv6: configuration.ipv6,
            path: PathMtu::new(mtu),
            firewall: Firewall::new(configuration.inbound, per_second, flow_seed, now),
            names: Names::new(&configuration.resolvers, own),
            blocklist: configuration.blocklist,
            random,
            identifier: identifier_of_link_address(),
            advertise_at: now,
            errors: TokenBucket::new(ERRORS_PER_SECOND, now),
            frames: VecDeque::new(),
            packets: VecDeque::new(),
            events: Events::new(now),
            counters: Counters::default(),
        }
    }

    /// Takes a frame of the guest, which is changed in place.
    pub fn from_guest(&mut self, frame: &mut [u8], checksum: Checksum, now: Duration) -> FromGuest {
        match self.frame(frame, checksum, now) {
            Ok(Some(length)) => {
                self.counters.to_tunnel += 1;
                FromGuest::Packet(MIN_FRAME..MIN_FRAME + length)
            }
            Ok(None) => FromGuest::Taken,
            Err(refusal) => FromGuest::Refused(self.counters.count(refusal)),
        }
    }

    /// Takes a packet of a peer that may send from its source. `frame` begins with [`MIN_FRAME`] bytes of room
    /// for the frame's header; behind the packet may be padding.
    pub fn to_guest(&mut self, frame: &mut [u8], now: Duration) -> ToGuest {
        match self.packet_for_guest(frame, now) {
            Ok(Some(length)) => {
                self.counters.to_guest += 1;
                ToGuest::Frame(length)
            }
            Ok(None) => ToGuest::Taken,
            Err(refusal) => ToGuest::Refused(self.counters.count(refusal)),
        }
    }

    /// Packets of more than `mtu` bytes do not get through any more, for ten minutes: the guest is told so when it sends
    /// one, and TCP at its beginning. Says whether that is news.
    pub fn narrow(&mut self, mtu: u16, now: Duration) -> bool {
        self.path.shrink(mtu, now)
    }

    /// The next frame that the gateway itself sends to the guest; its checksums are right.
    pub fn next_frame(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front()
    }

    /// The next IP packet that the gateway itself sends through the tunnel.
    pub fn next_packet(&mut self) -> Option<Vec<u8>> {
        self.packets.pop_front()
    }

    /// The next thing that the console should hear of.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.next()
    }

    /// How much passed and how much did not.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// When [`on_deadline`](Self::on_deadline) is to be called at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Duration {
        let names = self.names.next_deadline().unwrap_or(Duration::MAX);
        let advertisement = self.ipv6.map_or(Duration::MAX, |_| self.advertise_at);
        names.min(advertisement)
    }

    /// Does what is due.
    pub fn on_deadline(&mut self, now: Duration) {
        if self.advertise_at <= now {
            self.advertise_at = now + ADVERTISEMENT_INTERVAL;
            self.advertise();
        }
        self.late_names(now);
    }

    fn frame(
        &mut self,
        frame: &mut [u8],
        checksum: Checksum,
        now: Duration,
    ) -> Result<Option<usize>, Refusal> {
        let header = EthernetFrame::new_checked(&*frame).map_err(|_| Refusal::Malformed)?;
        let destination = header.dst_addr();
        let is_for_us = destination == EthernetAddress(GATEWAY_ADDRESS)
            || destination.is_broadcast()
            || destination.is_multicast();
        if header.src_addr() != EthernetAddress(GUEST_ADDRESS) || !is_for_us {
            return Err(Refusal::Link);
        }
        let protocol = header.ethertype();
        if let Checksum::Missing { start, offset } = checksum {
            translation::complete(frame, start.into(), offset.into());
        }
        let packet = frame.get_mut(MIN_FRAME..).unwrap_or_default();
        match protocol {
            EthernetProtocol::Arp => self.arp(packet).map(|()| None),
            EthernetProtocol::Ipv4 | EthernetProtocol::Ipv6 => {
                let headers = Packet::parse(packet)?;
                if headers.source.is_ipv4() != (protocol == EthernetProtocol::Ipv4) {
                    return Err(Refusal::Malformed);
                }
                self.packet(packet, headers, now)
            }
            _ => Err(Refusal::Protocol),
        }
    }

    fn arp(&mut self, payload: &[u8]) -> Result<(), Refusal> {
        let lease = self.lease.ok_or(Refusal::NoAddress)?;
        match neighbours::arp(payload, lease.gateway())? {
            Some(frame) => self.push_frame(frame),
            None => Ok(()),
        }
    }

    /// An IP packet of the guest: for the gateway, for the link, or for the outside.
    fn packet(
        &mut self,
        bytes: &mut [u8],
        packet: Packet,
        now: Duration,
    ) -> Result<Option<usize>, Refusal> {
        let transport = match packet.piece {
            Piece::Later(_) => None,
            _ => Some(packet.transport(bytes)?),
        };
        if self.is_of_the_link(&packet, transport) {
            return self.link_packet(bytes, &packet, transport).map(|()| None);
        }
        self.check_source(&packet, now)?;
        if packet.destination == emit::service_address(packet.destination) {
            return self.service_packet(bytes, packet, transport, now);
        }
        if !is_routable(packet.destination) || self.is_own(packet.destination) {
            return Err(Refusal::NoRoute);
        }
        if self.is_forbidden(&packet, transport, now) {
            self.complain(bytes, &packet, transport, Reason::Prohibited, now);
            return Err(Refusal::Blocked);
        }
        self.send(bytes, packet, transport, None, now).map(Some)
    }

    /// Whether the source is the guest's, and what the guest may call itself.
    fn check_source(&mut self, packet: &Packet, now: Duration) -> Result<(), Refusal> {
        let is_own = match packet.source {
            IpAddr::V4(source) => {
                let lease = self.lease.ok_or(Refusal::NoAddress)?;
                source == lease.address
            }
            IpAddr::V6(source) => {
                let own = self.ipv6.ok_or(Refusal::NoAddress)?;
                halves(source).0 == halves(own).0
            }
        };
        if !is_own {
            self.events.add(now, || Event::Spoofed(packet.source));
            return Err(Refusal::Spoofed);
        }
        if let IpAddr::V6(source) = packet.source {
            self.identifier = halves(source).1;
        }
        Ok(())
    }

    /// Passes a packet on to the tunnel, if the firewall lets it; to a resolver, if one is given.
    pub(super) fn send(
        &mut self,
        bytes: &mut [u8],
        mut packet: Packet,
        transport: Option<Transport>,
        resolver: Option<IpAddr>,
        now: Duration,
    ) -> Result<usize, Refusal> {
        let mtu = self.path.at(now);
        if packet.length > usize::from(mtu) {
            self.complain(bytes, &packet, transport, Reason::TooBig(mtu), now);
            return Err(Refusal::TooBig);
        }
        let owner = self.owner(resolver.is_some());
        if let Some(resolver) = resolver {
            translation::replace(bytes, &mut packet, Which::Destination, resolver);
        }
        self.firewall.outgoing(&packet, transport, owner, now)?;
        clamp(bytes, &packet, transport, mtu);
        if let (IpAddr::V6(_), Some(own)) = (packet.source, self.ipv6) {
            translation::replace(bytes, &mut packet, Which::Source, own.into());
            if let Some(Transport::Error(quoted)) = transport {
                let which = Which::Destination;
                translation::replace_quoted(bytes, &packet, &quoted, which, own.into());
            }
        }
        Ok(packet.length)
    }

    fn packet_for_guest(
        &mut self,
        frame: &mut [u8],
        now: Duration,
    ) -> Result<Option<usize>, Refusal> {
        let bytes = frame.get_mut(MIN_FRAME..).ok_or(Refusal::Malformed)?;
        let mut packet = Packet::parse(bytes)?;
        if !self.is_own(packet.destination) {
            return Err(Refusal::NoAddress);
        }
        if !is_routable(packet.source) || self.is_own(packet.source) {
            return Err(Refusal::Spoofed);
        }
        let transport = match packet.piece {
            Piece::Later(_) => None,
            _ => Some(packet.transport(bytes)?),
        };
        if self.takes_answer(bytes, &packet, transport, now)? {
            return Ok(None);
        }
        if self.forbids_address(packet.source, now) {
            return Err(Refusal::Blocked);
        }
        if MIN_FRAME + packet.length > MAX_FRAME {
            return Err(Refusal::TooBig);
        }
        let owner = self.owner(false);
        let owner = self.firewall.incoming(&packet, transport, owner, now)?;
        clamp(bytes, &packet, transport, self.path.at(now));
        self.restore(bytes, &mut packet, transport, owner);
        let protocol = match packet.source {
            IpAddr::V4(_) => EthernetProtocol::Ipv4,
            IpAddr::V6(_) => EthernetProtocol::Ipv6,
        };
        emit::header(protocol, frame);
        Ok(Some(MIN_FRAME + packet.length))
    }

    /// Puts the addresses back that the guest knows.
    fn restore(
        &self,
        bytes: &mut [u8],
        packet: &mut Packet,
        transport: Option<Transport>,
        owner: Owner,
    ) {
        let quoted = match transport {
            Some(Transport::Error(quoted)) => Some(quoted),
            _ => None,
        };
        if owner.by_service {
            let service = emit::service_address(packet.source);
            match quoted {
                None => translation::replace(bytes, packet, Which::Source, service),
                Some(quoted) => {
                    let which = Which::Destination;
                    translation::replace_quoted(bytes, packet, &quoted, which, service);
                }
            }
        }
        if let (IpAddr::V6(_), Some(own)) = (packet.destination, self.ipv6) {
            let guest = joined(halves(own).0, owner.identifier).into();
            translation::replace(bytes, packet, Which::Destination, guest);
            if let Some(quoted) = quoted {
                translation::replace_quoted(bytes, packet, &quoted, Which::Source, guest);
            }
        }
    }

    fn owner(&self, by_service: bool) -> Owner {
        Owner {
            identifier: self.identifier,
            by_service,
        }
    }

    /// Whether the administrator forbids the packet's destination. With a list of names, others than the
    /// gateway are asked for none.
    fn is_forbidden(
        &mut self,
        packet: &Packet,
        transport: Option<Transport>,
        now: Duration,
    ) -> bool {
        let asks = matches!(
            transport,
            Some(
                Transport::Udp {
                    to: names::PORT,
                    ..
                } | Transport::Tcp {
                    to: names::PORT,
                    ..
                }
            )
        );
        let has_names = |list: &Blocklist| list.counts().0 > 0;
        asks && self.blocklist.as_ref().is_some_and(has_names)
            || self.forbids_address(packet.destination, now)
    }

    fn forbids_address(&mut self, address: IpAddr, now: Duration) -> bool {
        let list = self.blocklist.as_ref();
        let forbids = list.is_some_and(|list| list.forbids_address(address));
        if forbids {
            self.events.add(now, || Event::BlockedAddress(address));
        }
        forbids
    }

    /// Tells the guest why its packet got nowhere, as often as that may be said.
    pub(super) fn complain(
        &mut self,
        bytes: &[u8],
        packet: &Packet,
        transport: Option<Transport>,
        reason: Reason,
        now: Duration,
    ) {
        if let Some(error) = errors::error(bytes, packet, transport, reason)
            && self.errors.take(now)
        {
            // If the queue is full, the guest hears of other things first.
            let _ = self.push_frame(emit::frame(&error));
        }
    }

    /// What the guest's link takes.
    pub(super) fn mtu(&self) -> u16 {
        self.path.link()
    }

    pub(super) fn push_frame(&mut self, frame: Vec<u8>) -> Result<(), Refusal> {
        push(&mut self.frames, frame)
    }

    pub(super) fn push_packet(&mut self, packet: Vec<u8>) -> Result<(), Refusal> {
        push(&mut self.packets, packet)
    }

    /// Whether it is the address under which the outside knows the guest.
    fn is_own(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.lease.is_some_and(|lease| lease.address == address),
            IpAddr::V6(address) => self.ipv6 == Some(address),
        }
    }
}

fn clamp(bytes: &mut [u8], packet: &Packet, transport: Option<Transport>, mtu: u16) {
    if let Some(Transport::Tcp { flags, .. }) = transport
        && flags.opens
    {
        segment_size::clamp(bytes, packet, mtu);
    }
}

fn push(queue: &mut VecDeque<Vec<u8>>, message: Vec<u8>) -> Result<(), Refusal> {
    if queue.len() >= QUEUE_MAX {
        return Err(Refusal::Full);
    }
    queue.push_back(message);
    Ok(())
}

/// Whether a host of the outside can have the address (RFC 6890).
fn is_routable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let first = address.octets()[0];
            !matches!(first, 0 | 127 | 224..) && !address.is_link_local()
        }
        IpAddr::V6(address) => {
            let is_special = address.is_unspecified() || address.is_loopback();
            let is_mapped = address.to_ipv4_mapped().is_some();
            let is_service = address == super::SERVICE_ADDRESS_6;
            !(is_special
                || is_mapped
                || is_service
                || address.is_multicast()
                || address.is_unicast_link_local())
        }
    }
}

/// Prefix and interface identifier of an IPv6 address.
pub(super) fn halves(address: Ipv6Addr) -> (u64, u64) {
    let [a, b, c, d, e, f, g, h] = address.segments().map(u64::from);
    let join = |[a, b, c, d]: [u64; 4]| a << 48 | b << 32 | c << 16 | d;
    (join([a, b, c, d]), join([e, f, g, h]))
}

fn joined(prefix: u64, identifier: u64) -> Ipv6Addr {
    Ipv6Addr::from_bits(u128::from(prefix) << 64 | u128::from(identifier))
}

/// What Linux makes of the guest's link address, before the guest has said otherwise.
fn identifier_of_link_address() -> u64 {
    let identifier = EthernetAddress(GUEST_ADDRESS).as_eui_64();
    identifier.map_or(0, u64::from_be_bytes)
}

/// No address at all, as a guest has it that asks for one.
pub(super) fn is_unspecified(address: IpAddr) -> bool {
    address == IpAddr::V4(Ipv4Addr::UNSPECIFIED) || address == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}
