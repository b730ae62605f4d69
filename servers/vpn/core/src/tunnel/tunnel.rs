//! The tunnel as the server uses it: packets in, datagrams out, and the reverse.

use alloc::vec::Vec;
use core::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use zerocopy::{FromBytes, FromZeros, IntoBytes};

use super::{
    cookie::Doorkeeper,
    datagram::Datagram,
    drops::{Counters, DropReason},
    index::PeerNumber,
    inner_packet::InnerPacket,
    keys::PublicKey,
    load::Load,
    message::{CookieReply, DataHeader, Initiation, OVERHEAD, Response, kind},
    noise::{Correspondent, Identity, Introduced},
    peer::{PROLOGUE, Peer},
    post_quantum::{Carrier, Policy},
    preshared::KeySource,
    queue::Waiting,
    random::Random,
    routes::Routes,
    shared::{Moment, Shared, Wire},
    timestamp::Reservation,
    transport::{PADDING, Sealed},
};
use crate::configuration::Configuration;

/// Bytes of the header of the datagrams that carry messages (RFC 768).
const UDP_HEADER: usize = 8;
/// What every host takes (RFC 1122, section 3.3.3), and every link of IPv6 (RFC 8200, section 5), in bytes.
const LEAST_IPV4_MTU: u32 = 576;
const LEAST_IPV6_MTU: u32 = 1280;

/// The tunnel between one guest and its peers.
///
/// It has no clock: `now` is always the time since the computer's boot.
pub struct Tunnel {
    shared: Shared,
    peers: Vec<Peer>,
    routes: Routes,
}

/// What became of a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The first so many bytes of the room are an IP packet for the guest's side.
    Packet(usize),
    /// It was for the tunnel itself.
    Nothing,
    /// It is gone.
    Dropped(DropReason),
}

/// What a tunnel is told besides its configuration.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// When the clock of `now` stood at zero, as the computer's clock said it at its start: since 1970.
    pub boot_time: Duration,
    /// What [`Tunnel::label_to_remember`] said last, to this tunnel or the ones before: since 1970; zero if nobody knows.
    pub remembered_labels: Duration,
    /// How much post-quantum exchanges matter.
    pub post_quantum: Policy,
}

/// A peer's key is one of those few of which every agreement is known to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusableKey(
    /// The key.
    pub PublicKey,
);

/// What is to be told of a peer.
#[derive(Clone, Copy, Debug)]
pub struct PeerStatus {
    /// Its key.
    pub public_key: PublicKey,
    /// Where it was heard of last, or is configured to be.
    pub endpoint: Option<SocketAddr>,
    /// When the last session began.
    pub last_handshake: Option<Duration>,
    /// Whether initiations were left without an answer since then.
    pub is_silent: bool,
    /// Whether there is a session that may carry the guest's packets.
    pub is_up: bool,
    /// Whether the session in use is safe from who records it and has a quantum computer later.
    pub is_quantum_safe: bool,
}

impl Tunnel {
    /// The tunnel that `configuration` describes. `seed` is used for nothing else.
    ///
    /// # Errors
    ///
    /// A peer's key cannot be used.
    pub fn new(
        configuration: &Configuration,
        circumstances: Circumstances,
        seed: [u8; 32],
    ) -> Result<Self, UnusableKey> {
        let interface = &configuration.interface;
        let identity = Identity::new(interface.private_key.clone());
        let numbered = configuration.peers.iter().zip(PeerNumber::all());
        let peers = numbered.map(|(peer, number)| {
            let correspondent = Correspondent::new(&identity, peer.public_key);
            let correspondent = correspondent.map_err(|_| UnusableKey(peer.public_key))?;
            Ok(Peer::new(
                number,
                correspondent,
                peer,
                circumstances.remembered_labels,
            ))
        });
        Ok(Self {
            peers: peers.collect::<Result<_, _>>()?,
            routes: Routes::new(&configuration.peers),
            shared: Shared {
                doorkeeper: Doorkeeper::new(&identity.public),
                identity,
                load: Load::new(),
                random: Random::new(seed),
                counters: Counters::default(),
                boot_time: circumstances.boot_time,
                labels: Reservation::new(circumstances.remembered_labels),
                policy: circumstances.post_quantum,
                carrier: Carrier::new(&interface.addresses),
                mtu: interface.mtu.into(),
                waiting: Waiting::default(),
            },
        })
    }

    /// Seals the IP packet of `length` bytes at the beginning of `buffer` as a message for its peer's endpoint.
    ///
    /// `message` may be memory that others read: nothing but ciphertext is written there. Bytes behind the packet in
    /// `buffer` are overwritten with padding. What else is to be sent goes to `wire`.
    pub fn seal(
        &mut self,
        buffer: &mut [u8],
        length: usize,
        message: &mut [u8],
        now: Duration,
        wire: &mut dyn Wire,
    ) -> Sealed {
        let sealed = self.try_seal(buffer, length, message, Moment { now, wire });
        sealed.unwrap_or_else(|reason| {
            self.shared.counters.drop_one(reason);
            Sealed::Dropped(reason)
        })
    }

    fn try_seal(
        &mut self,
        buffer: &mut [u8],
        length: usize,
        message: &mut [u8],
        mut moment: Moment<'_>,
    ) -> Result<Sealed, DropReason> {
        let packet = buffer.get(..length).ok_or(DropReason::TooLarge)?;
        let inner = InnerPacket::read(packet)?;
        if inner.length != length {
            return Err(DropReason::NotIp);
        }
        if length > self.shared.mtu {
            return Err(DropReason::TooLarge);
        }
        if Carrier::reserves(&inner) {
            return Err(DropReason::Reserved);
        }
        let number = self.routes.find(&inner.destination);
        let peer = number.and_then(|number| self.peers.get_mut(number.as_usize()));
        let peer = peer.ok_or(DropReason::NoRoute)?;
        peer.seal(&mut self.shared, &mut moment, buffer, length, message)
    }

    /// Takes a datagram that came from `source`. If there is a packet for the guest's side in it, it lies in the clear
    /// at the beginning of `room` afterwards. What else is written there means nothing, but was sealed by a peer. What is
    /// to be sent goes to `wire`.
    pub fn receive(
        &mut self,
        source: SocketAddr,
        datagram: &dyn Datagram,
        room: &mut [u8],
        now: Duration,
        wire: &mut dyn Wire,
    ) -> Received {
        let moment = &mut Moment { now, wire };
        let received = self.try_receive(source, datagram, room, moment);
        received.unwrap_or_else(|reason| {
            self.shared.counters.drop_one(reason);
            Received::Dropped(reason)
        })
    }

    fn try_receive(
        &mut self,
        source: SocketAddr,
        datagram: &dyn Datagram,
        room: &mut [u8],
        moment: &mut Moment<'_>,
    ) -> Result<Received, DropReason> {
        let mut header = DataHeader::new_zeroed();
        if datagram.length() < size_of::<DataHeader>() {
            return Err(DropReason::Malformed);
        }
        datagram.read(0, header.as_mut_bytes());
        if header.kind.get() == kind::DATA {
            return self.take_data((source, &header), datagram, room, moment);
        }
        let mut copy = [0; size_of::<Initiation>()];
        let copy = copy.get_mut(..datagram.length());
        let copy = copy.ok_or(DropReason::Malformed)?;
        datagram.read(0, copy);
        self.take_handshake(source, copy, moment)?;
        Ok(Received::Nothing)
    }

    fn take_handshake(
        &mut self,
        source: SocketAddr,
        message: &mut [u8],
        moment: &mut Moment<'_>,
    ) -> Result<(), DropReason> {
        let kind = message.first_chunk().copied().map(u32::from_le_bytes);
        match kind {
            Some(kind::INITIATION) => self.take_initiation(source, message, moment),
            Some(kind::RESPONSE) => self.take_response(source, message, moment),
            Some(kind::COOKIE_REPLY) => self.take_cookie(message, moment.now),
            _ => Err(DropReason::Malformed),
        }
    }

    fn take_data(
        &mut self,
        (source, header): (SocketAddr, &DataHeader),
        datagram: &dyn Datagram,
        room: &mut [u8],
        moment: &mut Moment<'_>,
    ) -> Result<Received, DropReason> {
        let number = PeerNumber::of(header.receiver.get());
        let peer = self.peers.get_mut(number.as_usize());
        let peer = peer.ok_or(DropReason::NoSession)?;
        let length = datagram.length().checked_sub(OVERHEAD);
        let packet = room.get_mut(..length.ok_or(DropReason::Malformed)?);
        let packet = packet.ok_or(DropReason::Malformed)?;
        let head = (source, header);
        let key_source = peer.open(&mut self.shared, moment, head, datagram, packet)?;
        if packet.is_empty() {
            return Ok(Received::Nothing);
        }
        peer.timers.received_data(moment.now);
        let inner = InnerPacket::read(packet).map_err(|_| DropReason::NotAllowed)?;
        let is_from_peer = self.routes.find(&inner.source) == Some(number);
        if Carrier::reserves(&inner) {
            peer.take_exchange(&mut self.shared, moment, packet, is_from_peer)?;
            return Ok(Received::Nothing);
        }
        if !self.shared.policy.admits(key_source) {
            return Err(DropReason::NotQuantumSafe);
        }
        if !is_from_peer {
            return Err(DropReason::NotAllowed);
        }
        self.shared.counters.packets_received += 1;
        self.shared.counters.bytes_received += inner.length as u64;
        Ok(Received::Packet(inner.length))
    }

    fn take_initiation(
        &mut self,
        source: SocketAddr,
        datagram: &mut [u8],
        moment: &mut Moment<'_>,
    ) -> Result<(), DropReason> {
        let message = Initiation::ref_from_bytes(datagram).map_err(|_| DropReason::Malformed)?;
        self.admit(source, datagram, message.sender.get(), moment)?;
        let message = Initiation::mut_from_bytes(datagram).map_err(|_| DropReason::Malformed)?;
        let introduced = Introduced::read(PROLOGUE, &self.shared.identity, &mut message.parts());
        let introduced = introduced.map_err(|_| DropReason::Forged)?;
        let mut peers = self.peers.iter_mut();
        let peer = peers.find(|peer| *peer.public_key() == introduced.initiator);
        let peer = peer.ok_or(DropReason::UnknownPeer)?;
        peer.answer(&mut self.shared, introduced, message, moment, source)
    }

    fn take_response(
        &mut self,
        source: SocketAddr,
        datagram: &[u8],
        moment: &mut Moment<'_>,
    ) -> Result<(), DropReason> {
        let message = Response::ref_from_bytes(datagram).map_err(|_| DropReason::Malformed)?;
        self.admit(source, datagram, message.sender.get(), moment)?;
        let number = PeerNumber::of(message.receiver.get());
        let peer = self.peers.get_mut(number.as_usize());
        let peer = peer.ok_or(DropReason::NoSession)?;
        peer.take_response(&mut self.shared, message, moment.now)?;
        peer.initiated_session_began(&mut self.shared, moment, source);
        Ok(())
    }

    fn take_cookie(&mut self, datagram: &[u8], now: Duration) -> Result<(), DropReason> {
        let reply = CookieReply::ref_from_bytes(datagram).map_err(|_| DropReason::Malformed)?;
        let number = PeerNumber::of(reply.receiver.get());
        let peer = self.peers.get_mut(number.as_usize());
        let peer = peer.ok_or(DropReason::NoSession)?;
        peer.take_cookie(reply, now)
    }

    /// Whether a handshake message is worth what it costs to look at.
    fn admit(
        &mut self,
        source: SocketAddr,
        datagram: &[u8],
        sender_index: u32,
        moment: &mut Moment<'_>,
    ) -> Result<(), DropReason> {
        let Shared {
            doorkeeper,
            load,
            random,
            ..
        } = &mut self.shared;
        let now = moment.now;
        if !doorkeeper.knows_receiver(datagram) {
            return Err(DropReason::WrongMac);
        }
        if !load.note(now) {
            return Ok(());
        }
        if !doorkeeper.is_where_it_says(datagram, &source, now) {
            let reply = doorkeeper.reply(datagram, sender_index, &source, now, random);
            if let Some(reply) = reply {
                moment.wire.send(source, reply.as_bytes());
            }
            return Err(DropReason::CookieSent);
        }
        if !load.admit(&source.ip(), now) {
            return Err(DropReason::TooMany);
        }
        Ok(())
    }

    /// Bytes of the longest packet for a peer at `address` whose message, padded, is no more than `path_mtu` with its
    /// outer headers; none if no peer is there. What every path takes is taken for granted: `net`, and who sends to
    /// it, could say anything.
    #[must_use]
    pub fn longest_packet(&self, address: IpAddr, path_mtu: u32) -> Option<u16> {
        let endpoints = self.peers.iter().filter_map(|peer| peer.endpoint);
        endpoints
            .map(|endpoint| endpoint.ip())
            .find(|ip| *ip == address)?;
        let (ip_header, least) = if address.is_ipv4() {
            (20, LEAST_IPV4_MTU)
        } else {
            (40, LEAST_IPV6_MTU)
        };
        let room = usize::try_from(path_mtu.max(least)).ok()?;
        let room = room.checked_sub(ip_header + UDP_HEADER + OVERHEAD)?;
        u16::try_from(room / PADDING * PADDING).ok()
    }

    /// Begins a new session with every peer whose place is known, however young the one in use is. Like all
    /// handshakes it keeps the distance from the one before.
    pub fn renew(&mut self, now: Duration, wire: &mut dyn Wire) {
        let mut moment = Moment { now, wire };
        for peer in self.peers.iter_mut().filter(|peer| peer.endpoint.is_some()) {
            peer.begin_handshake(&mut self.shared, &mut moment);
        }
    }

    /// What is to be remembered of the labels that handshakes were given, if that has changed: none that may have been used is
    /// later. It reserves some ahead, so it changes twice an hour at most, as long as the computer's clock is right. Answers once.
    pub fn label_to_remember(&mut self, now: Duration) -> Option<Duration> {
        let time = self.shared.boot_time.saturating_add(now);
        self.shared.labels.renew(time)
    }

    /// When [`Tunnel::on_deadline`] has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.peers.iter().filter_map(Peer::next_deadline).min()
    }

    /// Does what is due: handshakes, keepalives, and erasing sessions that have ended.
    pub fn on_deadline(&mut self, now: Duration, wire: &mut dyn Wire) {
        let mut moment = Moment { now, wire };
        for peer in &mut self.peers {
            if peer.next_deadline().is_some_and(|deadline| deadline <= now) {
                peer.on_deadline(&mut self.shared, &mut moment);
            }
        }
    }

    /// What was done since the start.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// How the peers are, in the order of the configuration.
    pub fn peers(&self) -> impl Iterator<Item = PeerStatus> {
        self.peers.iter().map(|peer| {
            let current = peer.sessions.current.as_ref();
            let source = current.map(|session| session.beginning.source);
            PeerStatus {
                public_key: *peer.public_key(),
                endpoint: peer.endpoint,
                last_handshake: peer.last_handshake,
                is_silent: peer.is_silent,
                is_up: source.is_some_and(|source| self.shared.policy.admits(source)),
                is_quantum_safe: source.is_some_and(KeySource::is_quantum_safe),
            }
        })
    }
}
