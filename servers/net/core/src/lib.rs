//! What `net` does, safe and testable on the host: a network device, addresses, and datagrams for clients.
//!
//! - [`driver`]: the device (virtio 1.2, section 5.1), its queues in `receiver` and `transmitter`;
//! - `arrival`: what came in, sorted by its headers; `icmp`: errors about what was sent;
//! - `lease`: IPv4 by DHCP or from the manifest; `discovery`: IPv6 from `routers`, from a server that they point at
//!   ([`dhcp6`]) or from the manifest, and neighbour discovery; `probe`: whether it is somebody else's; `arp`; `neighbours`: who on the link is where;
//! - `client`, `paths`, `envelope`: what clients send, to where, under which headers; `evidence`: what was sent, so
//!   that errors about it are known; `waiting`: what waits until its next hop is known;
//! - `pieces`, `reassembly`: datagrams that a path takes only in pieces, out and in;
//! - [`network`]: all of it together; [`counters`] and [`notices`]: what of it is shown.
//!
//! smoltcp knows the wire formats of ARP, DHCP and neighbour discovery, and keeps the lease; not DHCPv6. Datagrams do not
//! pass through it: a client's payload is read by the device where it lies, and one that comes in is copied
//! once, from the device's buffer into the client's region.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod addresses;
mod arp;
mod arrival;
mod chance;
mod checksum;
pub mod client;
pub mod counters;
pub mod dhcp6;
mod discovery;
pub mod driver;
mod envelope;
mod evidence;
mod icmp;
mod lease;
mod neighbours;
pub mod network;
pub mod notices;
mod paths;
mod pieces;
mod probe;
mod reassembly;
pub mod receiver;
mod routers;
pub mod settings;
pub mod transmitter;
mod waiting;

pub use client::{Client, ClientError};
pub use driver::{BrokenDevice, Driver};
pub use network::{Network, Seeds, Setup, Turn};
