//! Frames, made from the inside out.

use std::net::{IpAddr, SocketAddr};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, IpProtocol, IpRepr, UdpPacket, UdpRepr,
};

const ETHERNET_HEADER: usize = 14;
const UDP_HEADER: usize = 8;
/// Hop limit of what comes from the link itself (RFC 4861, section 3.1); nobody minds it elsewhere.
const HOP_LIMIT: u8 = 255;

/// A frame around a packet.
pub(super) fn frame(
    from: [u8; 6],
    to: [u8; 6],
    protocol: EthernetProtocol,
    packet: &[u8],
) -> Vec<u8> {
    let mut bytes = vec![0; ETHERNET_HEADER + packet.len()];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    frame.set_src_addr(EthernetAddress(from));
    frame.set_dst_addr(EthernetAddress(to));
    frame.set_ethertype(protocol);
    frame.payload_mut().copy_from_slice(packet);
    bytes
}

/// An IP packet around a message; both addresses are of one family.
pub(super) fn packet(from: IpAddr, to: IpAddr, protocol: IpProtocol, message: &[u8]) -> Vec<u8> {
    let header = IpRepr::new(from.into(), to.into(), protocol, message.len(), HOP_LIMIT);
    let mut bytes = vec![0; header.header_len() + message.len()];
    header.emit(&mut bytes[..], &ChecksumCapabilities::default());
    bytes[header.header_len()..].copy_from_slice(message);
    bytes
}

/// An IP packet with a datagram.
pub(super) fn datagram(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; UDP_HEADER + payload.len()];
    let ports = UdpRepr {
        src_port: from.port(),
        dst_port: to.port(),
    };
    ports.emit(
        &mut UdpPacket::new_unchecked(&mut bytes[..]),
        &from.ip().into(),
        &to.ip().into(),
        payload.len(),
        |room| room.copy_from_slice(payload),
        &ChecksumCapabilities::default(),
    );
    packet(from.ip(), to.ip(), IpProtocol::Udp, &bytes)
}
