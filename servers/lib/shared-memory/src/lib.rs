//! One-writer regions, queues and byte streams between components that do not trust each other.
//!
//! - [`Memory`] opens the regions that the manifest grants, by name.
//! - [`RegionReader`] and [`RegionWriter`] copy out of and into a region; [`Memory::exclusive`]
//!   gives a region as a slice when nobody else can reach it.
//! - [`Channel`] is two one-writer regions and a signal each way. Over it lie either two queues of
//!   messages with a data area each ([`Sender`], [`Receiver`]) or two byte streams ([`ByteWriter`],
//!   [`ByteReader`]). [`Requests`] is a server's view of two queues whose messages answer each other.
//!
//! # Soundness
//!
//! Memory that a peer, a guest or a device can write changes at any moment, so no Rust reference
//! to it may exist and the compiler must see no access to it: all loads, stores and copies stand
//! in [`access`](crate::access) as assembler. To the compiler such a block is a foreign function that may touch any
//! memory: there is no access in the abstract machine that could race, and whatever bytes come
//! back are plain initialised values in the caller's own memory. A value is loaded once and then
//! checked and used as a copy. What is left to show is that addresses are right: only [`Memory`]
//! (from an environment that the root server vouches for) and simulations make regions, each
//! access is checked against the region's length, and a region that is given out as a slice is
//! [private](environment::Sharing::Private), or the data area of a channel's output, which others only read;
//! it is given out once, and never both ways.
//!
//! # Restarts
//!
//! A peer that was started afresh shows as [`ChannelError::PeerReset`], once for each queue or stream; it is the
//! program's matter to say again what the peer has not answered. The program that was started afresh itself
//! just opens its channels: nothing moves before the peer has taken notice.
//!
//! # Ordering
//!
//! A producer writes descriptors and data, then the count; a consumer reads the count, then
//! descriptors and data. x86 keeps stores in order with stores and loads in order with loads
//! (Intel SDM volume 3, 9.2.2; AMD APM volume 2, 7.1), and the compiler does not move accesses across
//! assembler that may touch memory. So the store of a count releases and the load of a count
//! acquires. No decision to sleep depends on a store being seen before a later load: every batch
//! is followed by a signal, and signals are kept by the kernel until they are taken.

#![cfg_attr(not(any(test, feature = "simulation")), no_std)]

pub mod access;
mod channel;
#[cfg(test)]
mod client_lives;
mod end;
mod error;
#[cfg(test)]
mod granted_regions;
#[cfg(test)]
mod hostile_peer;
#[cfg(test)]
mod lives;
mod memory;
mod queue;
mod region;
mod requests;
#[cfg(any(test, feature = "simulation"))]
mod simulation;
mod stream;
#[cfg(test)]
mod well_behaved_peer;

pub use channel::Channel;
pub use error::{AccessError, ChannelError, OpenError, PushError};
pub use memory::{Memory, Window};
pub use queue::{Receiver, Sender, data_area_offset};
pub use region::{RegionReader, RegionWriter};
pub use requests::Requests;
pub use stream::{ByteReader, ByteWriter};
