//! What a datagram channel carries: UDP payloads between `net` and the tunnels that it serves.
//!
//! Each direction is a queue of [`QUEUE_LENGTH`] messages with a data area of [`DATA_AREA_SIZE`] bytes, which
//! is [`QUEUE_LENGTH`] slots of [`SLOT_SIZE`] bytes. Message number n has slot n modulo [`QUEUE_LENGTH`] of its
//! producer's area to itself, until the consumer releases it. Each client has one UDP port on this
//! machine, which the manifest gives it and no message names: a client can speak from no other, and hears
//! what comes to no other.
//!
//! Every message is an allegation of the other side: [`Datagram::outgoing`] and [`Datagram::incoming`] turn it
//! into a type that can only hold legal values.

#![no_std]
#![forbid(unsafe_code)]

mod datagram;
mod incoming;
mod outgoing;
mod state;

pub use datagram::{BadDatagram, Datagram, Kind};
pub use incoming::Incoming;
pub use outgoing::Outgoing;
pub use state::State;

/// Messages that each of the two queues of a channel holds.
pub const QUEUE_LENGTH: usize = 256;

/// Bytes of the data area that belong to one message.
pub const SLOT_SIZE: usize = 2048;

/// Bytes of payload that are carried whatever the path takes, in pieces if need be: an inner packet of 1,280 bytes, which
/// is the least that IPv6 asks of every link (RFC 8200, section 5), sealed, with WireGuard's 32 bytes.
pub const LEAST_CARRIED: usize = 1280 + 32;

/// Bytes of each data area: a slot for each place in the queue.
pub const DATA_AREA_SIZE: usize = QUEUE_LENGTH * SLOT_SIZE;

const _: () = assert!(size_of::<Datagram>() == 32);
