//! WireGuard: keys, sessions and timers between inner packets and datagrams on the wire.

mod keys;
#[cfg_attr(not(test), expect(dead_code, reason = "the sessions above come next"))]
mod noise;
#[cfg(test)]
mod noise_vectors;

pub use keys::{PresharedKey, PublicKey, SecretKey};
