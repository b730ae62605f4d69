//! An IPv6 address by DHCPv6 (RFC 8415), in networks whose routers say that addresses are managed.
//!
//! - [`question`], [`answer`], `options`: what travels;
//! - `association`: which question is asked when, and what is believed of the answers;
//! - `pace`: when a question is asked again.
//!
//! One address for one device: no delegated prefixes, no other information, no relays, no reconfiguration, no
//! authentication. The client is known by its device's Ethernet address (DUID-LL, section 11.4), so that a server gives
//! it the same address after a new start.

pub mod answer;
mod association;
mod options;
mod pace;
pub mod question;

use alloc::vec::Vec;
use core::net::Ipv6Addr;

pub(crate) use association::Association;
pub use options::Malformed;

use crate::addresses::{link_local, multicast_mac};
use crate::checksum::Sum;
use crate::envelope::{Envelope, Filling};

/// The ports (section 7.2).
pub(crate) const CLIENT_PORT: u16 = 546;
pub(crate) const SERVER_PORT: u16 = 547;
/// All servers and relays of the link (section 7.1).
const ALL_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);

/// The frame with a message to all servers. That one wants to be asked directly instead (section 21.12) is not heard.
pub(crate) fn frame(mac: [u8; 6], message: &[u8]) -> Option<Vec<u8>> {
    let from = (link_local(mac), CLIENT_PORT).into();
    let to = (ALL_SERVERS, SERVER_PORT).into();
    let envelope = Envelope::new((mac, multicast_mac(ALL_SERVERS)), from, to)?;
    let length = u16::try_from(message.len()).ok()?;
    let headers = envelope.address(length, Filling::Here(Sum::of(message)));
    Some([headers.bytes(), message].concat())
}
