//! The guest's side: Ethernet frames, addresses, names and the firewall.
//!
//! [`Inside`] stands where a home router stands. It tells the guest its addresses, answers for the gateway, asks
//! names for it, and decides which packets pass between the guest and the tunnel. What it knows of the guest
//! comes from frames, which are allegations; of the outside it knows the configuration.
//!
//! The choices that a reader may wonder about:
//!
//! - **IPv4.** The lease is a `/31` (RFC 3021): the guest's address, and as gateway the other of the pair. So
//!   clients that know nothing but an address, a mask and a router get on, and no address of the outside is
//!   lost: what is sent *to* the pair's other address goes through the tunnel like everything else.
//! - **IPv6.** A peer accepts only the address of the configuration, and no router can tell a Linux that has
//!   nothing but its kernel and busybox which address to take. So the router advertisement offers the `/64`
//!   around the configured address, off link, and whatever address the guest makes there is replaced by the
//!   configured one on the way out and put back on the way in ([`translation`]).
//! - **Names.** The resolver is the gateway itself at an address that belongs to nobody
//!   ([`SERVICE_ADDRESS`], [`SERVICE_ADDRESS_6`]); queries leave only through the tunnel.

mod addresses;
mod blocklist;
mod configuration;
mod dhcp;
mod emit;
mod errors;
mod event;
mod firewall;
mod flows;
mod fragments;
mod gateway;
mod inward;
mod names;
mod neighbours;
mod outward;
mod packet;
mod path_mtu;
mod question;
mod rate;
mod refusal;
mod segment_size;
mod service;
mod stream_names;
mod translation;

pub use addresses::is_routable;
pub use blocklist::{Blocklist, BlocklistError, LIST_BYTES_MAX};
pub use configuration::{
    Configuration, Inbound, InboundError, RESOLVERS_MAX, SERVICE_ADDRESS, SERVICE_ADDRESS_6,
};
pub use event::Event;
pub use gateway::{FromGuest, Inside, ToGuest};
pub use refusal::{Counters, Refusal};
