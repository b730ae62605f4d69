//! Agreeing on a preshared key by ML-KEM-1024, so that who records today cannot read with tomorrow's quantum computer.
//!
//! `docs/post-quantum.md` specifies it: messages, key schedule, and what each policy promises.

mod agreement;
mod carrier;
mod exchange;
mod message;
mod peer;

pub(super) use carrier::Carrier;
pub(super) use exchange::Exchange;

use super::preshared::KeySource;

/// How much post-quantum exchanges matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The guest's packets travel only in sessions whose preshared key came from an exchange.
    Require,
    /// There is an exchange with every peer that knows how; the others do without.
    Prefer,
    /// There is none.
    Off,
}

impl Policy {
    /// The policy of that name in a manifest.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "require" => Some(Self::Require),
            "prefer" => Some(Self::Prefer),
            "off" => Some(Self::Off),
            _ => None,
        }
    }

    /// Whether a session under a key of `source` may carry the guest's packets.
    pub(super) fn admits(self, source: KeySource) -> bool {
        self != Self::Require || source.is_quantum_safe()
    }
}
