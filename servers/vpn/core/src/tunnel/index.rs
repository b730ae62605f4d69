//! Session indices: how a datagram names the session that it belongs to.
//!
//! An index is random but for its last six bits, which number the peer. So looking one up is no search, two peers never
//! share one, and there is no table that a flood could fill. Who sees the wire learns which messages are for the same
//! peer, which their addresses tell as well.

use super::random::Random;
use crate::configuration::PEERS_MAX;

const PEER_BITS: u32 = 6;
const _: () = assert!(PEERS_MAX == 1 << PEER_BITS);

/// A peer's place in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PeerNumber(u8);

impl PeerNumber {
    /// All numbers, in order.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).take(PEERS_MAX).map(Self)
    }

    /// The number of the peer that `index` may belong to.
    pub(super) const fn of(index: u32) -> Self {
        Self(index.to_le_bytes()[0] % (1 << PEER_BITS))
    }

    pub(super) const fn as_usize(self) -> usize {
        self.0 as usize
    }

    /// A new index for this peer.
    pub(super) fn new_index(self, random: &mut Random) -> u32 {
        random.number() << PEER_BITS | u32::from(self.0)
    }
}
