//! Where the two ends are, inside the tunnel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The peer's name.
pub(crate) const NAME: &str = "peer.sekisho.test";

/// The peer's addresses in configurations that `create` makes.
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 1);
/// Of a unique local prefix (RFC 4193) made for this purpose.
pub(crate) const PEER_6: Ipv6Addr = Ipv6Addr::new(0xfd9c, 0x51e8, 0x6b21, 0, 0, 0, 0, 1);

/// The guest's.
pub(crate) const GUEST: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 2);
pub(crate) const GUEST_6: Ipv6Addr = Ipv6Addr::new(0xfd9c, 0x51e8, 0x6b21, 0, 0, 0, 0, 2);

/// Ports with a meaning.
pub(crate) const NAMES_PORT: u16 = 53;
pub(crate) const PAGE_PORT: u16 = 80;

/// Whether a host beyond this one can have the address: nothing else is relayed to.
pub(crate) fn is_outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let first = address.octets()[0];
            !matches!(first, 0 | 127 | 224..) && !address.is_link_local()
        }
        IpAddr::V6(address) => {
            let is_special = address.is_unspecified() || address.is_loopback();
            let is_mapped = address.to_ipv4_mapped().is_some();
            let is_local = address.is_multicast() || address.is_unicast_link_local();
            !(is_special || is_mapped || is_local)
        }
    }
}
