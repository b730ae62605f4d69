//! Who is where in the network outside. All addresses are of the blocks for documentation (RFC 5737, RFC 3849).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The router's Ethernet address; QEMU's own networks begin theirs alike.
pub(crate) const ROUTER_MAC: [u8; 6] = [0x52, 0x55, 192, 0, 2, 1];

/// Somebody else's on the link, who would like to be the router.
pub(super) const ROGUE_MAC: [u8; 6] = [0x52, 0x55, 0x0b, 0xad, 0x0b, 0xad];

/// The router, who is the DHCP server too.
pub(super) const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(super) const MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);
/// The first address that is leased.
pub(super) const FIRST_LEASE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 50);

/// The router's link-local address.
pub(super) const ROUTER_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
/// The prefix that it advertises.
pub(super) const PREFIX: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0);
/// The address that a DHCPv6 server gives.
pub(super) const LEASE_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x50);
/// How that server, which is the router, calls itself (RFC 8415, section 11.4).
pub(crate) const SERVER_6: [u8; 10] = [0, 3, 0, 1, 0x52, 0x55, 192, 0, 2, 1];

/// The other end of the tunnel, somewhere behind the router: whoever listens at the same port of the host's loopback.
pub(super) const PEER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
pub(super) const PEER_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 7);

/// Whether the tunnel's other end has that address.
pub(super) fn is_peer(address: IpAddr) -> bool {
    address == IpAddr::from(PEER) || address == IpAddr::from(PEER_6)
}
