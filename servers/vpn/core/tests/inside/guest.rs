//! A guest by hand: it makes frames, and reads what the gateway says.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use frame_api::{Checksum, GATEWAY_ADDRESS, GUEST_ADDRESS, MIN_FRAME};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, Icmpv4Packet, Icmpv4Repr,
    Icmpv6Packet, Icmpv6Repr, IpAddress, IpProtocol, IpRepr, Ipv4Packet, Ipv6Packet, TcpControl,
    TcpPacket, TcpRepr, TcpSeqNumber, UdpPacket, UdpRepr,
};
use vpn_core::inside::{Configuration, FromGuest, Inbound, Inside, Refusal, ToGuest};

pub(crate) const OWN: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 2);
pub(crate) const OWN_6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x66, 0, 0, 0, 0, 0, 2);
/// An address that the guest made for itself in its prefix.
pub(crate) const CHOSEN_6: Ipv6Addr =
    Ipv6Addr::new(0xfd00, 0x66, 0, 0, 0x1234, 0x5678, 0x9abc, 0xdef0);
pub(crate) const RESOLVER: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 1);
pub(crate) const RESOLVER_6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x66, 0, 0, 0, 0, 0, 1);
pub(crate) const REMOTE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
pub(crate) const REMOTE_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
pub(crate) const MTU: u16 = 1420;

pub(crate) fn configuration() -> Configuration {
    Configuration {
        ipv4: Some(OWN),
        ipv6: Some(OWN_6),
        resolvers: vec![RESOLVER.into(), RESOLVER_6.into()],
        search: vec!["lab.example".into(), "test".into()],
        mtu: MTU,
        inbound: Inbound::parse("tcp/22 udp/5000").expect("it is right"),
        flows_per_second: 1000,
        blocklist: None,
    }
}

pub(crate) fn inside() -> Inside {
    Inside::new(configuration(), [7; 32], Duration::ZERO)
}

pub(crate) const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The frame of an IP packet from the guest to the gateway.
pub(crate) fn frame(packet: &[u8]) -> Vec<u8> {
    let protocol = match packet[0] >> 4 {
        4 => EthernetProtocol::Ipv4,
        _ => EthernetProtocol::Ipv6,
    };
    frame_of(protocol, packet)
}

pub(crate) fn frame_of(protocol: EthernetProtocol, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; MIN_FRAME + payload.len()];
    let header = EthernetRepr {
        src_addr: EthernetAddress(GUEST_ADDRESS),
        dst_addr: EthernetAddress(GATEWAY_ADDRESS),
        ethertype: protocol,
    };
    header.emit(&mut EthernetFrame::new_unchecked(&mut frame));
    frame[MIN_FRAME..].copy_from_slice(payload);
    frame
}

/// An IP packet with this payload.
pub(crate) fn ip(
    source: impl Into<IpAddr>,
    destination: impl Into<IpAddr>,
    protocol: IpProtocol,
    length: usize,
    fill: impl FnOnce(&mut [u8], &IpAddress, &IpAddress),
) -> Vec<u8> {
    let (source, destination) = (source.into().into(), destination.into().into());
    let header = IpRepr::new(source, destination, protocol, length, 64);
    let mut packet = vec![0; header.header_len() + length];
    let (network, transport) = packet.split_at_mut(header.header_len());
    header.emit(network, &ChecksumCapabilities::default());
    fill(transport, &source, &destination);
    packet
}

pub(crate) fn udp(
    source: impl Into<IpAddr>,
    destination: impl Into<IpAddr>,
    (from, to): (u16, u16),
    payload: &[u8],
) -> Vec<u8> {
    let ports = UdpRepr {
        src_port: from,
        dst_port: to,
    };
    let length = 8 + payload.len();
    ip(
        source,
        destination,
        IpProtocol::Udp,
        length,
        |room, source, destination| {
            let mut view = UdpPacket::new_unchecked(room);
            let capabilities = ChecksumCapabilities::default();
            let fill = |room: &mut [u8]| room.copy_from_slice(payload);
            ports.emit(
                &mut view,
                source,
                destination,
                payload.len(),
                fill,
                &capabilities,
            );
        },
    )
}

pub(crate) fn tcp(
    source: impl Into<IpAddr>,
    destination: impl Into<IpAddr>,
    (from, to): (u16, u16),
    control: TcpControl,
    payload: &[u8],
) -> Vec<u8> {
    let opens = control == TcpControl::Syn;
    let segment = TcpRepr {
        src_port: from,
        dst_port: to,
        control,
        seq_number: TcpSeqNumber(1000),
        ack_number: (!opens).then_some(TcpSeqNumber(2000)),
        window_len: 4096,
        window_scale: None,
        max_seg_size: opens.then_some(1460),
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload,
    };
    let length = segment.buffer_len();
    ip(
        source,
        destination,
        IpProtocol::Tcp,
        length,
        |room, source, destination| {
            let mut view = TcpPacket::new_unchecked(room);
            segment.emit(
                &mut view,
                source,
                destination,
                &ChecksumCapabilities::default(),
            );
        },
    )
}

pub(crate) fn ping(source: impl Into<IpAddr>, destination: impl Into<IpAddr>, id: u16) -> Vec<u8> {
    let data = b"abcdefgh";
    let (source, destination) = (source.into(), destination.into());
    let capabilities = ChecksumCapabilities::default();
    let is_4 = source.is_ipv4();
    let protocol = if is_4 {
        IpProtocol::Icmp
    } else {
        IpProtocol::Icmpv6
    };
    ip(source, destination, protocol, 16, |room, _, _| {
        match (source, destination) {
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let message = Icmpv6Repr::EchoRequest {
                    ident: id,
                    seq_no: 1,
                    data,
                };
                let mut view = Icmpv6Packet::new_unchecked(room);
                message.emit(&source, &destination, &mut view, &capabilities);
            }
            _ => {
                let message = Icmpv4Repr::EchoRequest {
                    ident: id,
                    seq_no: 1,
                    data,
                };
                message.emit(&mut Icmpv4Packet::new_unchecked(room), &capabilities);
            }
        }
    })
}

/// Sends an IP packet of the guest; what comes out for the tunnel.
pub(crate) fn send(inside: &mut Inside, packet: &[u8], now: Duration) -> Result<Vec<u8>, Refusal> {
    let mut frame = frame(packet);
    match inside.from_guest(&mut frame, Checksum::Unchecked, now) {
        FromGuest::Packet(range) => Ok(frame[range].to_vec()),
        FromGuest::Taken => Ok(Vec::new()),
        FromGuest::Refused(refusal) => Err(refusal),
    }
}

/// Sends an IP packet from outside; what comes out for the guest.
pub(crate) fn receive(
    inside: &mut Inside,
    packet: &[u8],
    now: Duration,
) -> Result<Vec<u8>, Refusal> {
    // A tunnel pads to 16 bytes.
    let mut frame = vec![0; MIN_FRAME];
    frame.extend_from_slice(packet);
    frame.resize(MIN_FRAME + packet.len().next_multiple_of(16), 0);
    match inside.to_guest(&mut frame, now) {
        ToGuest::Frame(length) => Ok(unframed(&frame[..length])),
        ToGuest::Taken => Ok(Vec::new()),
        ToGuest::Refused(refusal) => Err(refusal),
    }
}

/// The IP packet in a frame to the guest.
pub(crate) fn unframed(frame: &[u8]) -> Vec<u8> {
    let view = EthernetFrame::new_checked(frame).expect("frames have a header");
    assert_eq!(view.src_addr(), EthernetAddress(GATEWAY_ADDRESS));
    assert_eq!(view.dst_addr(), EthernetAddress(GUEST_ADDRESS));
    let expected = match view.payload()[0] >> 4 {
        4 => EthernetProtocol::Ipv4,
        _ => EthernetProtocol::Ipv6,
    };
    assert_eq!(view.ethertype(), expected);
    assert_right(view.payload());
    view.payload().to_vec()
}

/// Source, destination and the transport's bytes of a packet whose checksums are right.
pub(crate) fn assert_right(packet: &[u8]) -> (IpAddr, IpAddr, &[u8]) {
    let (source, destination, protocol, payload): (IpAddr, IpAddr, _, _) = match packet[0] >> 4 {
        4 => {
            let view = Ipv4Packet::new_checked(packet).expect("it is whole");
            assert!(view.verify_checksum());
            let addresses = (view.src_addr().into(), view.dst_addr().into());
            (addresses.0, addresses.1, view.next_header(), view.payload())
        }
        _ => {
            let view = Ipv6Packet::new_checked(packet).expect("it is whole");
            let addresses = (view.src_addr().into(), view.dst_addr().into());
            (addresses.0, addresses.1, view.next_header(), view.payload())
        }
    };
    let (from, to) = (source.into(), destination.into());
    let right = match (protocol, source, destination) {
        (IpProtocol::Udp, ..) => {
            UdpPacket::new_checked(payload).map(|v| v.verify_checksum(&from, &to))
        }
        (IpProtocol::Tcp, ..) => {
            TcpPacket::new_checked(payload).map(|v| v.verify_checksum(&from, &to))
        }
        (IpProtocol::Icmp, ..) => Icmpv4Packet::new_checked(payload).map(|v| v.verify_checksum()),
        (IpProtocol::Icmpv6, IpAddr::V6(source), IpAddr::V6(destination)) => {
            Icmpv6Packet::new_checked(payload).map(|v| v.verify_checksum(&source, &destination))
        }
        _ => Ok(true),
    };
    assert!(right.expect("the header is whole"), "{packet:02x?}");
    (source, destination, payload)
}

/// The next frame from the gateway, as an IP packet.
pub(crate) fn said(inside: &mut Inside) -> Option<Vec<u8>> {
    inside.next_frame().map(|frame| unframed(&frame))
}
