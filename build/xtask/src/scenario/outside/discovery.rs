//! Neighbour discovery (RFC 4861): the router's part, and that of who pretends to be one.

use std::net::Ipv6Addr;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::Duration;
use smoltcp::wire::{
    EthernetProtocol, Icmpv6Packet, Icmpv6Repr, IpProtocol, NdiscNeighborFlags,
    NdiscPrefixInfoFlags, NdiscPrefixInformation, NdiscRepr, NdiscRouterFlags, RawHardwareAddress,
};

use super::emit;
use super::file::{Addresses, Advertisement};
use super::places::{ROGUE_MAC, ROUTER_6, ROUTER_MAC};
use crate::qemu::MAC;

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];

/// What the machine asks.
pub(super) enum Question {
    /// Whether there are routers.
    Routers,
    /// Where the router is; who asks has that address.
    Router { from: Ipv6Addr },
}

/// What a message of the machine's asks of the router.
pub(super) fn question(from: Ipv6Addr, to: Ipv6Addr, message: &[u8]) -> Option<Question> {
    let packet = Icmpv6Packet::new_checked(message).ok()?;
    match Icmpv6Repr::parse(&from, &to, &packet, &ChecksumCapabilities::default()).ok()? {
        Icmpv6Repr::Ndisc(NdiscRepr::RouterSolicit { .. }) => Some(Question::Routers),
        Icmpv6Repr::Ndisc(NdiscRepr::NeighborSolicit { target_addr, .. })
            if target_addr == ROUTER_6 =>
        {
            Some(Question::Router { from })
        }
        _ => None,
    }
}

/// The frame that tells `to` where the router is.
pub(super) fn here_is_the_router(to: Ipv6Addr) -> Vec<u8> {
    let message = NdiscRepr::NeighborAdvert {
        flags: NdiscNeighborFlags::ROUTER
            | NdiscNeighborFlags::SOLICITED
            | NdiscNeighborFlags::OVERRIDE,
        target_addr: ROUTER_6,
        lladdr: Some(RawHardwareAddress::from_bytes(&ROUTER_MAC)),
    };
    frame(ROUTER_MAC, MAC, ROUTER_6, to, message)
}

/// The frame of a router advertisement.
pub(super) fn advertise(advertisement: &Advertisement) -> Vec<u8> {
    let lifetime = Duration::from_secs(advertisement.lifetime_seconds.into());
    // Whoever lies about the router's lifetime wants no packets, whoever has another address does.
    let is_rogue = advertisement.from != ROUTER_6;
    let mac = if is_rogue { ROGUE_MAC } else { ROUTER_MAC };
    let on_link = NdiscPrefixInfoFlags::ON_LINK;
    let (flags, of_prefix) = match advertisement.addresses {
        Addresses::Made => (
            NdiscRouterFlags::empty(),
            on_link | NdiscPrefixInfoFlags::ADDRCONF,
        ),
        Addresses::Given => (NdiscRouterFlags::MANAGED, on_link),
    };
    let message = NdiscRepr::RouterAdvert {
        hop_limit: 64,
        flags,
        router_lifetime: lifetime,
        reachable_time: Duration::ZERO,
        retrans_time: Duration::ZERO,
        lladdr: Some(RawHardwareAddress::from_bytes(&mac)),
        mtu: advertisement.mtu,
        prefix_info: Some(NdiscPrefixInformation {
            prefix_len: 64,
            flags: of_prefix,
            valid_lifetime: lifetime,
            preferred_lifetime: lifetime,
            prefix: advertisement.prefix,
        }),
    };
    frame(mac, ALL_NODES_MAC, advertisement.from, ALL_NODES, message)
}

fn frame(
    from_mac: [u8; 6],
    to_mac: [u8; 6],
    from: Ipv6Addr,
    to: Ipv6Addr,
    message: NdiscRepr<'_>,
) -> Vec<u8> {
    let message = Icmpv6Repr::Ndisc(message);
    let mut bytes = vec![0; message.buffer_len()];
    let mut packet = Icmpv6Packet::new_unchecked(&mut bytes[..]);
    message.emit(&from, &to, &mut packet, &ChecksumCapabilities::default());
    let packet = emit::packet(from.into(), to.into(), IpProtocol::Icmpv6, &bytes);
    emit::frame(from_mac, to_mac, EthernetProtocol::Ipv6, &packet)
}
