//! Lines on the console: how the peers are, at each change; what was dropped, now and then.

use alloc::{string::String, vec::Vec};
use core::{fmt::Write, net::SocketAddr, time::Duration};

use vpn_core::{
    inside,
    tunnel::{Counters, DropReason, PeerStatus, Tunnel},
};

/// Counts are told at most this often.
const INTERVAL: Duration = Duration::from_secs(10);
/// Changes of peers are told at most this often.
const PEER_INTERVAL: Duration = Duration::from_secs(1);

/// What was told last.
pub(crate) struct Status {
    peers: Vec<Told>,
    peers_told: Duration,
    dropped: u64,
    refused: u64,
    counts_told: Duration,
    /// Somebody asks: everything is told, new or not.
    is_asked: bool,
}

/// What a line says of a peer.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Told {
    endpoint: Option<SocketAddr>,
    is_up: bool,
    is_silent: bool,
    is_quantum_safe: bool,
}

impl Status {
    pub(crate) fn new(tunnel: &Tunnel) -> Self {
        Self {
            peers: tunnel.peers().map(|_| Told::default()).collect(),
            peers_told: Duration::ZERO,
            dropped: 0,
            refused: 0,
            counts_told: Duration::ZERO,
            is_asked: false,
        }
    }

    /// Tells everything the next time.
    pub(crate) const fn tell_all(&mut self) {
        self.is_asked = true;
    }

    /// Tells what is new, if it is time.
    pub(crate) fn tell(&mut self, tunnel: &Tunnel, inside: &inside::Counters, now: Duration) {
        if self.is_asked || now >= self.peers_told + PEER_INTERVAL {
            self.tell_peers(tunnel, now);
        }
        if self.is_asked || now >= self.counts_told + INTERVAL {
            self.tell_counts(tunnel.counters(), inside, now);
        }
        self.is_asked = false;
    }

    fn tell_peers(&mut self, tunnel: &Tunnel, now: Duration) {
        for (peer, told) in tunnel.peers().zip(&mut self.peers) {
            let new = Told::of(&peer);
            if new == *told && !self.is_asked {
                continue;
            }
            *told = new;
            self.peers_told = now;
            let key = peer.public_key;
            match (new.endpoint, new.is_up, new.is_quantum_safe) {
                (Some(place), true, true) => {
                    runtime::println!("tunnel to {key} at {place} is up, post-quantum on");
                }
                (Some(place), true, false) => {
                    runtime::println!("tunnel to {key} at {place} is up, post-quantum off");
                }
                (Some(place), false, _) if new.is_silent => runtime::println!(
                    "no answer from {key} at {place}: it is out of reach there, or it knows another key or preshared key of ours"
                ),
                (Some(place), false, _) => runtime::println!("tunnel to {key} at {place} is idle"),
                (None, ..) => runtime::println!("tunnel to {key} waits for its peer"),
            }
        }
    }

    /// Told when something was dropped or refused since the last time.
    fn tell_counts(&mut self, tunnel: &Counters, inside: &inside::Counters, now: Duration) {
        let dropped = DropReason::ALL
            .iter()
            .map(|reason| tunnel.dropped(*reason))
            .sum();
        let refused = inside::Refusal::ALL
            .iter()
            .map(|reason| inside.refused(*reason))
            .sum();
        if (dropped, refused) == (self.dropped, self.refused) && !self.is_asked {
            return;
        }
        (self.dropped, self.refused, self.counts_told) = (dropped, refused, now);
        let mut reasons = String::new();
        for reason in DropReason::ALL {
            let count = tunnel.dropped(reason);
            if count > 0 {
                // Writing to a string does not fail.
                let _ = write!(reasons, ", {} {count}", reason.name());
            }
        }
        for refusal in inside::Refusal::ALL {
            let count = inside.refused(refusal);
            if count > 0 {
                let _ = write!(reasons, ", guest's {refusal} {count}");
            }
        }
        runtime::println!(
            "{} sessions; {} packets ({} bytes) out, {} ({}) in; dropped{}",
            tunnel.sessions,
            tunnel.packets_sent,
            tunnel.bytes_sent,
            tunnel.packets_received,
            tunnel.bytes_received,
            reasons.strip_prefix(',').unwrap_or_default()
        );
    }
}

impl Told {
    fn of(peer: &PeerStatus) -> Self {
        Self {
            endpoint: peer.endpoint,
            is_up: peer.is_up,
            is_silent: peer.is_silent,
            is_quantum_safe: peer.is_quantum_safe,
        }
    }
}
