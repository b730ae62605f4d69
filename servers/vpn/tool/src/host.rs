//! Where on the host's side something goes that the guest sends.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use vpn_core::inside::is_routable;

use crate::places::{NAMES_PORT, PAGE_PORT};

/// The host's side as the guest may use it.
pub(crate) struct Host {
    /// The peer's own addresses in the tunnel.
    pub(crate) own: (Option<Ipv4Addr>, Option<Ipv6Addr>),
    /// Where the page is served.
    pub(crate) page: SocketAddr,
    /// Who resolves names for the host.
    pub(crate) resolver: Option<SocketAddr>,
    /// Ports of the loopback interface that the guest may use.
    pub(crate) forward: Vec<u16>,
}

impl Host {
    /// Whether the address is the peer's.
    pub(crate) fn is_own(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.own.0 == Some(address),
            IpAddr::V6(address) => self.own.1 == Some(address),
        }
    }

    /// Where a connection to `place` goes.
    pub(crate) fn tcp(&self, place: SocketAddr) -> Option<SocketAddr> {
        match place.port() {
            PAGE_PORT if self.is_own(place.ip()) => Some(self.page),
            _ => self.udp(place),
        }
    }

    /// Where a datagram to `place` goes.
    pub(crate) fn udp(&self, place: SocketAddr) -> Option<SocketAddr> {
        let port = place.port();
        if !self.is_own(place.ip()) {
            return is_routable(place.ip()).then_some(place);
        }
        if port == NAMES_PORT {
            return self.resolver;
        }
        let forwarded = self.forward.contains(&port);
        forwarded.then(|| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))
    }
}

/// The first resolver of `/etc/resolv.conf`.
pub(crate) fn resolver() -> Option<SocketAddr> {
    let text = fs::read_to_string("/etc/resolv.conf").ok()?;
    let mut words = text.lines().map(str::split_ascii_whitespace);
    words.find_map(|mut words| {
        (words.next()? == "nameserver").then_some(())?;
        let address: IpAddr = words.next()?.parse().ok()?;
        Some(SocketAddr::new(address, NAMES_PORT))
    })
}
