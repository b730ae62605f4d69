//! Where the two ends are, inside the tunnel.

use std::net::{Ipv4Addr, Ipv6Addr};

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
