//! What a tunnel is told: the text that `wg-quick` reads, without what would run commands.
//!
//! [`Configuration::parse`] takes a whole text and says in which line what is wrong. Keys that are not
//! listed here are errors, because a line that is silently ignored is a promise that is silently broken. `wg-quick` has
//! some that set up the host on which it runs, and here is none: the error says so.

mod draft;
mod error;
mod key_text;
mod network;
mod parse;
#[cfg(test)]
mod tests;

use alloc::{string::String, vec::Vec};
use core::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

pub use error::{ConfigurationError, Problem};
pub use network::Network;

use crate::tunnel::{PresharedKey, PublicKey, SecretKey};

/// Most peers that a configuration may name. Lookups go through all of them.
pub const PEERS_MAX: usize = 64;

/// Bytes that all domains to be searched take in a lease at most: those of an option (RFC 2132, section 2).
pub const SEARCH_BYTES_MAX: usize = 255;

/// Inner bytes per packet when the configuration does not say: what fits into 1,500 bytes on the wire, with IPv6 outside.
pub const DEFAULT_MTU: u16 = 1420;

/// A whole configuration.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// This side.
    pub interface: Interface,
    /// The other sides, as they stand in the text.
    pub peers: Vec<Peer>,
}

/// Section `[Interface]`.
#[derive(Clone, Debug)]
pub struct Interface {
    /// `PrivateKey`.
    pub private_key: SecretKey,
    /// `Address`: the inside addresses of this side, each with the length of its prefix.
    pub addresses: Vec<Network>,
    /// `DNS`: resolvers, reached through the tunnel.
    pub dns: Vec<IpAddr>,
    /// `DNS` too: the domains in which the guest looks for short names, at most [`SEARCH_BYTES_MAX`] bytes.
    pub search: Vec<String>,
    /// `MTU`: bytes of the longest inner packet, or [`DEFAULT_MTU`].
    pub mtu: u16,
    /// `ListenPort`, if the text names one.
    pub listen_port: Option<u16>,
}

/// A section `[Peer]`.
#[derive(Clone, Debug)]
pub struct Peer {
    /// `PublicKey`.
    pub public_key: PublicKey,
    /// `PresharedKey`; zeroes without one, as the protocol has it.
    pub preshared_key: PresharedKey,
    /// `AllowedIPs`: where packets to this peer go, and where packets from it may come from.
    pub allowed_ips: Vec<Network>,
    /// `Endpoint`: where it is at first.
    pub endpoint: Option<SocketAddr>,
    /// `PersistentKeepalive`.
    pub persistent_keepalive: Option<Duration>,
}
