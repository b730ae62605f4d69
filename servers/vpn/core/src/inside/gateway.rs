//! The gateway between the guest's link and the tunnel.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};
use core::ops::Range;
use core::time::Duration;

use frame_api::{Checksum, MIN_FRAME};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::addresses::identifier_of_link_address;
use super::dhcp::{self, Lease};
use super::emit;
use super::errors::{self, IPV6_MTU_MIN, Reason};
use super::event::Events;
use super::firewall::Firewall;
use super::flows::Owner;
use super::names::Names;
use super::packet::{Packet, Transport};
use super::path_mtu::PathMtu;
use super::rate::TokenBucket;
use super::{Blocklist, Configuration, Counters, Event, Refusal};

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
    /// What the lease says of the domains to be searched.
    pub(super) search: Vec<u8>,
    pub(super) ipv6: Option<Ipv6Addr>,
    pub(super) path: PathMtu,
    pub(super) firewall: Firewall,
    pub(super) names: Names,
    pub(super) blocklist: Option<Blocklist>,
    pub(super) random: ChaCha20Rng,
    /// Where in its `/64` the guest has sent from last.
    pub(super) identifier: u64,
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
            search: dhcp::search_list(&configuration.search),
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

    pub(super) fn owner(&self, by_service: bool) -> Owner {
        Owner {
            identifier: self.identifier,
            by_service,
        }
    }

    pub(super) fn forbids_address(&mut self, address: IpAddr, now: Duration) -> bool {
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
    pub(super) fn is_own(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.lease.is_some_and(|lease| lease.address == address),
            IpAddr::V6(address) => self.ipv6 == Some(address),
        }
    }
}

fn push(queue: &mut VecDeque<Vec<u8>>, message: Vec<u8>) -> Result<(), Refusal> {
    if queue.len() >= QUEUE_MAX {
        return Err(Refusal::Full);
    }
    queue.push_back(message);
    Ok(())
}
