//! Packets and frames that the gateway makes itself.

use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use frame_api::{GATEWAY_ADDRESS, GUEST_ADDRESS, MIN_FRAME};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IpAddress, IpRepr, Ipv4Packet,
    Ipv4Repr, Ipv6Packet, Ipv6Repr, UDP_HEADER_LEN, UdpPacket, UdpRepr,
};

use super::{SERVICE_ADDRESS, SERVICE_ADDRESS_6, packet};

/// Hops that the gateway's own packets may make.
pub(super) const HOP_LIMIT: u8 = 64;

/// The gateway's link-local address: its link address in the form of EUI-64 (RFC 4291, appendix A).
pub(super) const GATEWAY_LINK_LOCAL: Ipv6Addr = link_local(GATEWAY_ADDRESS);

/// Every host on the link.
pub(super) const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

const fn link_local(link: [u8; 6]) -> Ipv6Addr {
    let [a, b, c, d, e, f] = link;
    let mut octets = [0; 16];
    octets[0] = 0xfe;
    octets[1] = 0x80;
    octets[8] = a ^ 2;
    octets[9] = b;
    octets[10] = c;
    octets[11] = 0xff;
    octets[12] = 0xfe;
    octets[13] = d;
    octets[14] = e;
    octets[15] = f;
    Ipv6Addr::from_octets(octets)
}

/// The gateway's own address of the same family as `other`.
pub(super) fn service_address(other: IpAddr) -> IpAddr {
    match other {
        IpAddr::V4(_) => SERVICE_ADDRESS.into(),
        IpAddr::V6(_) => SERVICE_ADDRESS_6.into(),
    }
}

/// An IPv4 packet; `fill` writes its payload of `length` bytes.
pub(super) fn packet_4(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    length: usize,
    fill: impl FnOnce(&mut [u8]),
) -> Vec<u8> {
    let header = Ipv4Repr {
        src_addr: source,
        dst_addr: destination,
        next_header: protocol.into(),
        payload_len: length,
        hop_limit: HOP_LIMIT,
    };
    let mut bytes = vec![0; header.buffer_len() + length];
    fill(&mut bytes[header.buffer_len()..]);
    let mut view = Ipv4Packet::new_unchecked(&mut bytes);
    header.emit(&mut view, &ChecksumCapabilities::default());
    bytes
}

/// An IPv6 packet; `fill` writes its payload of `length` bytes.
pub(super) fn packet_6(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    (protocol, hop_limit): (u8, u8),
    length: usize,
    fill: impl FnOnce(&mut [u8]),
) -> Vec<u8> {
    let header = Ipv6Repr {
        src_addr: source,
        dst_addr: destination,
        next_header: protocol.into(),
        payload_len: length,
        hop_limit,
    };
    let mut bytes = vec![0; header.buffer_len() + length];
    fill(&mut bytes[header.buffer_len()..]);
    header.emit(&mut Ipv6Packet::new_unchecked(&mut bytes));
    bytes
}

/// A UDP packet, if both addresses are of one family.
pub(super) fn udp(
    (source, from): (IpAddr, u16),
    (destination, to): (IpAddr, u16),
    payload: &[u8],
) -> Option<Vec<u8>> {
    if source.is_ipv4() != destination.is_ipv4() {
        return None;
    }
    let (source, destination) = (IpAddress::from(source), IpAddress::from(destination));
    let ports = UdpRepr {
        src_port: from,
        dst_port: to,
    };
    let length = UDP_HEADER_LEN + payload.len();
    let header = IpRepr::new(source, destination, packet::UDP.into(), length, HOP_LIMIT);
    let capabilities = ChecksumCapabilities::default();
    let mut bytes = vec![0; header.header_len() + length];
    let (network, transport) = bytes.split_at_mut(header.header_len());
    header.emit(network, &capabilities);
    ports.emit(
        &mut UdpPacket::new_unchecked(transport),
        &source,
        &destination,
        payload.len(),
        |room| room.copy_from_slice(payload),
        &capabilities,
    );
    Some(bytes)
}

/// The frame that carries an IP packet to the guest.
pub(super) fn frame(packet: &[u8]) -> Vec<u8> {
    let protocol = match packet.first().map(|first| first >> 4) {
        Some(6) => EthernetProtocol::Ipv6,
        _ => EthernetProtocol::Ipv4,
    };
    frame_of(protocol, packet)
}

/// A frame to the guest.
pub(super) fn frame_of(protocol: EthernetProtocol, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; MIN_FRAME + payload.len()];
    header(protocol, &mut bytes);
    bytes[MIN_FRAME..].copy_from_slice(payload);
    bytes
}

/// Writes the header of a frame to the guest, for which there must be room.
pub(super) fn header(protocol: EthernetProtocol, frame: &mut [u8]) {
    let header = EthernetRepr {
        src_addr: EthernetAddress(GATEWAY_ADDRESS),
        dst_addr: EthernetAddress(GUEST_ADDRESS),
        ethertype: protocol,
    };
    header.emit(&mut EthernetFrame::new_unchecked(frame));
}
