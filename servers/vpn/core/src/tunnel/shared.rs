//! What all peers of a tunnel have in common.

use core::{net::SocketAddr, time::Duration};

use super::{
    cookie::Doorkeeper,
    drops::Counters,
    load::Load,
    noise::Identity,
    post_quantum::{Carrier, Policy},
    queue::Waiting,
    random::Random,
    timestamp::Reservation,
};

/// Where messages go that a tunnel sends by itself: handshakes, keepalives, and packets that waited.
pub trait Wire {
    /// Sends one datagram. If it cannot be sent now it is lost, as on any wire.
    fn send(&mut self, to: SocketAddr, datagram: &[u8]);
}

/// A moment, and what is needed to act in it.
pub(super) struct Moment<'a> {
    /// Since the boot.
    pub(super) now: Duration,
    pub(super) wire: &'a mut dyn Wire,
}

/// See the module.
pub(super) struct Shared {
    pub(super) identity: Identity,
    pub(super) doorkeeper: Doorkeeper,
    pub(super) load: Load,
    pub(super) random: Random,
    pub(super) counters: Counters,
    /// The time of the boot, from 1970 on.
    pub(super) boot_time: Duration,
    pub(super) labels: Reservation,
    pub(super) policy: Policy,
    pub(super) carrier: Carrier,
    pub(super) mtu: usize,
    pub(super) waiting: Waiting,
}
