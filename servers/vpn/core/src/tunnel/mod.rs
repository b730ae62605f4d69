//! WireGuard: keys, sessions and timers between inner packets and datagrams on the wire.
//!
//! The protocol is that of the whitepaper (J. A. Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel"), with the
//! extension of [`post_quantum`]. [`Tunnel`] is all that the server sees. It does no input or output and has no clock,
//! so that tests run hours of a tunnel's life in a moment. Memory is bounded: each peer has at most five
//! sessions, one handshake, two exchanges and 32 waiting packets, and nobody else has anything.
//!
//! | Concept | Module |
//! |---|---|
//! | Keys and the Noise handshake | `keys`, `noise`, `timestamp`, `preshared` |
//! | Messages of the wire | `datagram`, `message`, `index` |
//! | Too many handshakes | `cookie`, `load` |
//! | Sessions | `session`, `sessions`, `replay`, `aead` |
//! | A peer: handshakes, packets, deadlines | `peer`, `transport`, `timers`, `queue` |
//! | All peers | `tunnel`, `routes`, `shared`, `drops` |

mod aead;
mod cookie;
mod datagram;
mod drops;
mod index;
mod inner_packet;
mod keys;
mod load;
mod message;
mod noise;
#[cfg(test)]
mod noise_vectors;
mod peer;
pub mod post_quantum;
mod preshared;
mod queue;
mod random;
mod replay;
mod routes;
mod session;
mod sessions;
mod shared;
mod timers;
mod timestamp;
mod transport;
#[expect(
    clippy::module_inception,
    reason = "a tunnel is made of the other modules"
)]
mod tunnel;

pub use datagram::Datagram;
pub use drops::{Counters, DropReason};
pub use keys::{PresharedKey, PublicKey, SecretKey};
pub use message::OVERHEAD;
pub use post_quantum::Policy;
pub use shared::Wire;
pub use transport::Sealed;
pub use tunnel::{Circumstances, PeerStatus, Received, Tunnel, UnusableKey};
