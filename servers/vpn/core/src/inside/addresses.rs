//! Kinds and parts of addresses.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use frame_api::GUEST_ADDRESS;
use smoltcp::wire::EthernetAddress;

use super::SERVICE_ADDRESS_6;

/// Whether a host beyond the tunnel can have the address (RFC 6890): one that is not special, and not the gateway's own.
#[must_use]
pub fn is_routable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let first = address.octets()[0];
            !matches!(first, 0 | 127 | 224..) && !address.is_link_local()
        }
        IpAddr::V6(address) => {
            let is_special = address.is_unspecified() || address.is_loopback();
            let is_mapped = address.to_ipv4_mapped().is_some();
            let is_service = address == SERVICE_ADDRESS_6;
            !(is_special
                || is_mapped
                || is_service
                || address.is_multicast()
                || address.is_unicast_link_local())
        }
    }
}

/// Prefix and interface identifier of an IPv6 address.
pub(super) fn halves(address: Ipv6Addr) -> (u64, u64) {
    let [a, b, c, d, e, f, g, h] = address.segments().map(u64::from);
    let join = |[a, b, c, d]: [u64; 4]| a << 48 | b << 32 | c << 16 | d;
    (join([a, b, c, d]), join([e, f, g, h]))
}

/// The address of a prefix and an interface identifier.
pub(super) fn joined(prefix: u64, identifier: u64) -> Ipv6Addr {
    Ipv6Addr::from_bits(u128::from(prefix) << 64 | u128::from(identifier))
}

/// What Linux makes of the guest's link address, before the guest has said otherwise.
pub(super) fn identifier_of_link_address() -> u64 {
    let identifier = EthernetAddress(GUEST_ADDRESS).as_eui_64();
    identifier.map_or(0, u64::from_be_bytes)
}

/// No address at all, as a guest has it that asks for one.
pub(super) fn is_unspecified(address: IpAddr) -> bool {
    address == IpAddr::V4(Ipv4Addr::UNSPECIFIED) || address == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}
