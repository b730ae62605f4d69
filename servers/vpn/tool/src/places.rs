//! Where the two ends are, inside the tunnel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The peer's name.
pub(crate) const NAME: &str = "peer.sekisho.test";

/// One end's addresses in configurations that `create` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) ipv4: Ipv4Addr,
    /// Of a unique local prefix (RFC 4193) made for this purpose.
    pub(crate) ipv6: Ipv6Addr,
}

impl End {
    /// The peer's in the tunnel with this number.
    pub(crate) const fn peer(tunnel: u8) -> End {
        End::new(tunnel, 1)
    }

    /// The guest's.
    pub(crate) const fn guest(tunnel: u8) -> End {
        End::new(tunnel, 2)
    }

    const fn new(tunnel: u8, host: u8) -> End {
        End {
            ipv4: Ipv4Addr::new(10, 66, tunnel, host),
            ipv6: Ipv6Addr::new(0xfd9c, 0x51e8, 0x6b21, tunnel as u16, 0, 0, 0, host as u16),
        }
    }
}

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
