//! The link: who has the gateway's addresses (ARP, RFC 826; neighbour discovery, RFC 4861), and what the guest
//! makes its IPv6 address of (router advertisements, RFC 4861, RFC 4862, RFC 8106).

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use frame_api::{GATEWAY_ADDRESS, GUEST_ADDRESS};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::Duration as Time;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetProtocol, Icmpv6Packet, Icmpv6Repr,
    NdiscNeighborFlags, NdiscPrefixInfoFlags, NdiscPrefixInformation, NdiscRepr, NdiscRouterFlags,
    RawHardwareAddress,
};

use super::emit::{self, ALL_NODES, GATEWAY_LINK_LOCAL, HOP_LIMIT};
use super::errors::set_checksum_6;
use super::packet::{ICMP_6, Packet};
use super::{Refusal, SERVICE_ADDRESS, SERVICE_ADDRESS_6};

/// Neighbour discovery that came over a router is not neighbour discovery (RFC 4861, section 6.1).
const LINK_HOP_LIMIT: u8 = 255;
const HOP_LIMIT_AT: usize = 7;

/// How long what an advertisement says holds, in seconds.
const LIFETIME_SECONDS: u16 = 1800;

/// Bytes of the prefix that the guest chooses its address in.
const PREFIX_LENGTH: u8 = 64;

/// The option with resolvers, of 3 units of 8 bytes (RFC 8106, section 5.1).
const OPTION_RESOLVERS: [u8; 4] = [25, 3, 0, 0];
const OPTION_RESOLVERS_LENGTH: usize = 24;

/// The answer to an ARP packet, a frame's payload; `gateway` is what the guest's lease says.
pub(super) fn arp(payload: &[u8], gateway: Ipv4Addr) -> Result<Option<Vec<u8>>, Refusal> {
    let packet = ArpPacket::new_checked(payload).map_err(|_| Refusal::Malformed)?;
    let Ok(ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        target_protocol_addr,
        ..
    }) = ArpRepr::parse(&packet)
    else {
        return Err(Refusal::Malformed);
    };
    if source_hardware_addr != EthernetAddress(GUEST_ADDRESS) {
        return Err(Refusal::Link);
    }
    let is_ours = target_protocol_addr == gateway || target_protocol_addr == SERVICE_ADDRESS;
    if operation != ArpOperation::Request || !is_ours {
        return Ok(None);
    }
    let answer = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr: EthernetAddress(GATEWAY_ADDRESS),
        source_protocol_addr: target_protocol_addr,
        target_hardware_addr: source_hardware_addr,
        target_protocol_addr: source_protocol_addr,
    };
    let mut payload = alloc::vec![0; answer.buffer_len()];
    answer.emit(&mut ArpPacket::new_unchecked(&mut payload));
    Ok(Some(emit::frame_of(EthernetProtocol::Arp, &payload)))
}

/// What a message of neighbour discovery wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Who the router is.
    Router,
    /// The link address of an address that is the gateway's.
    Gateway(Ipv6Addr),
    /// Nothing that the gateway answers.
    Nothing,
}

/// Reads a message of the link from the guest.
pub(super) fn asked(bytes: &[u8], packet: &Packet) -> Result<Asked, Refusal> {
    let message = packet.payload(bytes);
    let view = Icmpv6Packet::new_checked(message).map_err(|_| Refusal::Malformed)?;
    if !view.msg_type().is_ndisc() {
        return Ok(Asked::Nothing);
    }
    if bytes.get(HOP_LIMIT_AT) != Some(&LINK_HOP_LIMIT) {
        return Err(Refusal::Malformed);
    }
    match NdiscRepr::parse(&view).map_err(|_| Refusal::Malformed)? {
        NdiscRepr::RouterSolicit { .. } => Ok(Asked::Router),
        NdiscRepr::NeighborSolicit { target_addr, .. }
            if target_addr == GATEWAY_LINK_LOCAL || target_addr == SERVICE_ADDRESS_6 =>
        {
            Ok(Asked::Gateway(target_addr))
        }
        _ => Ok(Asked::Nothing),
    }
}

/// The IP packet that tells the guest the link address of `target`. A guest that asks from no address makes
/// sure that nobody has it, and is told by a message to all.
pub(super) fn neighbour_advertisement(target: Ipv6Addr, asker: Ipv6Addr) -> Vec<u8> {
    let (destination, solicited) = if asker.is_unspecified() {
        (ALL_NODES, NdiscNeighborFlags::empty())
    } else {
        (asker, NdiscNeighborFlags::SOLICITED)
    };
    let advertisement = NdiscRepr::NeighborAdvert {
        flags: NdiscNeighborFlags::ROUTER | NdiscNeighborFlags::OVERRIDE | solicited,
        target_addr: target,
        lladdr: Some(RawHardwareAddress::from_bytes(&GATEWAY_ADDRESS)),
    };
    let source = target;
    let message = Icmpv6Repr::Ndisc(advertisement);
    let kind = (ICMP_6, LINK_HOP_LIMIT);
    emit::packet_6(source, destination, kind, message.buffer_len(), |room| {
        let mut view = Icmpv6Packet::new_unchecked(room);
        let capabilities = ChecksumCapabilities::default();
        message.emit(&source, &destination, &mut view, &capabilities);
    })
}

/// The IP packet that tells the guest of its router, prefix, MTU and resolver; `address` is the configured one.
pub(super) fn router_advertisement(address: Ipv6Addr, mtu: u16) -> Vec<u8> {
    let mut prefix = address.octets();
    prefix[8..].fill(0);
    let lifetime = Time::from_secs(LIFETIME_SECONDS.into());
    let advertisement = NdiscRepr::RouterAdvert {
        hop_limit: HOP_LIMIT,
        flags: NdiscRouterFlags::empty(),
        router_lifetime: lifetime,
        reachable_time: Time::ZERO,
        retrans_time: Time::ZERO,
        lladdr: Some(RawHardwareAddress::from_bytes(&GATEWAY_ADDRESS)),
        mtu: Some(mtu.into()),
        prefix_info: Some(NdiscPrefixInformation {
            prefix_len: PREFIX_LENGTH,
            // Not on link: everything goes to the gateway.
            flags: NdiscPrefixInfoFlags::ADDRCONF,
            valid_lifetime: lifetime,
            preferred_lifetime: lifetime,
            prefix: Ipv6Addr::from_octets(prefix),
        }),
    };
    let message = Icmpv6Repr::Ndisc(advertisement);
    let length = message.buffer_len() + OPTION_RESOLVERS_LENGTH;
    let kind = (ICMP_6, LINK_HOP_LIMIT);
    let (source, destination) = (GATEWAY_LINK_LOCAL, ALL_NODES);
    emit::packet_6(source, destination, kind, length, |room| {
        let (known, resolvers) = room.split_at_mut(message.buffer_len());
        let mut view = Icmpv6Packet::new_unchecked(known);
        let capabilities = ChecksumCapabilities::ignored();
        message.emit(&source, &destination, &mut view, &capabilities);
        resolvers[..4].copy_from_slice(&OPTION_RESOLVERS);
        resolvers[4..8].copy_from_slice(&u32::from(LIFETIME_SECONDS).to_be_bytes());
        resolvers[8..].copy_from_slice(&SERVICE_ADDRESS_6.octets());
        set_checksum_6(source, destination, room);
    })
}
