//! Cryptokey routing: which peer an inner address belongs to.

use alloc::vec::Vec;
use core::net::IpAddr;

use super::index::PeerNumber;
use crate::configuration::{Network, Peer};

/// All allowed IPs, longest prefix first: the first that holds an address decides.
///
/// A list, because configurations have a handful of them.
pub(super) struct Routes(Vec<(Network, PeerNumber)>);

impl Routes {
    pub(super) fn new(peers: &[Peer]) -> Self {
        let numbered = peers.iter().zip(PeerNumber::all());
        let networks = numbered.flat_map(|(peer, number)| {
            let networks = peer.allowed_ips.iter();
            networks.map(move |network| (*network, number))
        });
        let mut routes: Vec<_> = networks.collect();
        routes.sort_by_key(|(network, _)| core::cmp::Reverse(network.prefix_length()));
        Self(routes)
    }

    /// The peer that `address` belongs to.
    pub(super) fn find(&self, address: &IpAddr) -> Option<PeerNumber> {
        let mut routes = self.0.iter();
        let route = routes.find(|(network, _)| network.contains(address));
        route.map(|(_, number)| *number)
    }
}
