//! The headers of what goes out to one place: written once, completed for each datagram.

use core::net::{IpAddr, SocketAddr};

use crate::arrival::{
    ETHERNET_HEADER, IPV4_HEADER, IPV6_HEADER, PROTOCOL_FRAGMENT, PROTOCOL_UDP, TYPE_IPV4,
    TYPE_IPV6, UDP_HEADER,
};
use crate::checksum::Sum;
use crate::driver::Checksum;
use crate::pieces::{Cut, FRAGMENT_HEADER, UNIT};

/// Bytes of the longest headers.
const MAX_LENGTH: usize = ETHERNET_HEADER + IPV6_HEADER + FRAGMENT_HEADER + UDP_HEADER;

/// How many more hosts may pass a packet on (RFC 1122, 3.2.1.7).
const HOP_LIMIT: u8 = 64;
/// Flag of the IPv4 header: do not fragment. Then the identification may be anything (RFC 6864, 4.1).
const DO_NOT_FRAGMENT: u8 = 0x40;
/// Flag of the IPv4 header, and of IPv6's for pieces: there are more behind this.
const MORE_PIECES_4: u16 = 0x2000;
const MORE_PIECES_6: u16 = 1;

const CHECKSUM_IN_UDP: u16 = 6;

/// Headers up to the payload.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    bytes: [u8; MAX_LENGTH],
    length: usize,
    /// Of the IPv4 header, but for its length.
    ip_sum: Option<Sum>,
    /// Of both IP addresses and the protocol.
    pseudo_sum: Sum,
    /// Of both ports.
    port_sum: Sum,
}

/// Headers of one datagram.
#[derive(Clone, Debug)]
pub(crate) struct Addressed {
    bytes: [u8; MAX_LENGTH],
    length: usize,
    /// What is left to the device.
    pub(crate) checksum: Option<Checksum>,
}

/// Who fills in UDP's checksum.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Filling {
    /// The device.
    Device,
    /// This program, which knows the payload's sum.
    Here(Sum),
}

impl Envelope {
    /// From this machine's device, address and port to a host by the device of the next hop.
    pub(crate) fn new(
        devices: ([u8; 6], [u8; 6]),
        from: SocketAddr,
        to: SocketAddr,
    ) -> Option<Self> {
        let mut envelope = Self {
            bytes: [0; MAX_LENGTH],
            length: 0,
            ip_sum: None,
            pseudo_sum: Sum::default(),
            port_sum: Sum::default(),
        };
        let (own, next) = devices;
        envelope.append(&next);
        envelope.append(&own);
        match (from.ip(), to.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                envelope.append(&TYPE_IPV4.to_be_bytes());
                let ip = envelope.length;
                envelope.append(&[0x45, 0, 0, 0, 0, 0, DO_NOT_FRAGMENT, 0]);
                envelope.append(&[HOP_LIMIT, PROTOCOL_UDP, 0, 0]);
                envelope.append(&source.octets());
                envelope.append(&destination.octets());
                let header = &envelope.bytes[ip..envelope.length];
                envelope.pseudo_sum = Sum::of(&header[12..]);
                envelope.ip_sum = Some(Sum::of(header));
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                envelope.append(&TYPE_IPV6.to_be_bytes());
                envelope.append(&[0x60, 0, 0, 0, 0, 0, PROTOCOL_UDP, HOP_LIMIT]);
                envelope.append(&source.octets());
                envelope.append(&destination.octets());
                envelope.pseudo_sum =
                    Sum::of(&envelope.bytes[envelope.length - 32..envelope.length]);
            }
            _ => return None,
        }
        envelope.pseudo_sum = envelope.pseudo_sum.and_number(u16::from(PROTOCOL_UDP));
        envelope.append(&from.port().to_be_bytes());
        envelope.append(&to.port().to_be_bytes());
        envelope.port_sum = Sum::default().and_number(from.port()).and_number(to.port());
        envelope.append(&[0; 4]);
        Some(envelope)
    }

    /// Bytes of the IP and UDP headers, which count for what a path takes.
    pub(crate) fn overhead(to: IpAddr) -> usize {
        UDP_HEADER
            + if to.is_ipv4() {
                IPV4_HEADER
            } else {
                IPV6_HEADER
            }
    }

    /// The headers of a payload of `length` bytes.
    pub(crate) fn address(&self, length: u16, filling: Filling) -> Addressed {
        let mut bytes = self.bytes;
        let udp = self.length - UDP_HEADER;
        let udp_length = length.saturating_add(8);
        bytes[udp + 4..udp + 6].copy_from_slice(&udp_length.to_be_bytes());
        if let Some(sum) = self.ip_sum {
            let total = udp_length.saturating_add(20);
            bytes[16..18].copy_from_slice(&total.to_be_bytes());
            bytes[24..26].copy_from_slice(&sum.and_number(total).checksum());
        } else {
            bytes[18..20].copy_from_slice(&udp_length.to_be_bytes());
        }
        let pseudo = self.pseudo_sum.and_number(udp_length);
        let (field, checksum) = match filling {
            Filling::Here(payload) => {
                let sum = pseudo
                    .and(self.port_sum)
                    .and_number(udp_length)
                    .and(payload);
                (sum.udp_checksum(), None)
            }
            Filling::Device => {
                let checksum = Checksum {
                    start: u16::try_from(udp).unwrap_or(0),
                    offset: CHECKSUM_IN_UDP,
                };
                (pseudo.unfinished(), Some(checksum))
            }
        };
        bytes[udp + 6..udp + 8].copy_from_slice(&field);
        Addressed {
            bytes,
            length: self.length,
            checksum,
        }
    }

    fn append(&mut self, part: &[u8]) {
        let end = self.length + part.len();
        // The parts of the longest headers fill the array exactly.
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(part);
            self.length = end;
        }
    }
}

impl Addressed {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// The headers of a piece of the datagram whose headers these are; routers may cut it further over IPv4. Its
    /// checksum is the whole's, and not left to the device.
    pub(crate) fn piece(&self, cut: &Cut, identification: u32) -> Self {
        let is_ipv4 = self.bytes[12..14] == TYPE_IPV4.to_be_bytes();
        let (ip, udp) = (ETHERNET_HEADER, self.length - UDP_HEADER);
        let mut piece = self.clone();
        piece.length = udp;
        // Pieces are smaller than a link's packets, and their offsets than a datagram.
        let number = |count: usize| u16::try_from(count).unwrap_or(0);
        let [_, _, i2, i3] = identification.to_be_bytes();
        if is_ipv4 {
            let more = if cut.is_last { 0 } else { MORE_PIECES_4 };
            let place = number(cut.offset / UNIT) | more;
            let total = number(IPV4_HEADER + cut.length());
            piece.bytes[ip + 2..ip + 4].copy_from_slice(&total.to_be_bytes());
            piece.bytes[ip + 4..ip + 6].copy_from_slice(&[i2, i3]);
            piece.bytes[ip + 6..ip + 8].copy_from_slice(&place.to_be_bytes());
            piece.bytes[ip + 10..ip + 12].fill(0);
            let sum = Sum::of(&piece.bytes[ip..ip + IPV4_HEADER]);
            piece.bytes[ip + 10..ip + 12].copy_from_slice(&sum.checksum());
        } else {
            let more = if cut.is_last { 0 } else { MORE_PIECES_6 };
            let [p0, p1] = (number(cut.offset) | more).to_be_bytes();
            let length = number(FRAGMENT_HEADER + cut.length());
            piece.bytes[ip + 4..ip + 6].copy_from_slice(&length.to_be_bytes());
            piece.bytes[ip + 6] = PROTOCOL_FRAGMENT;
            piece.append(&[PROTOCOL_UDP, 0, p0, p1]);
            piece.append(&identification.to_be_bytes());
        }
        if cut.offset == 0 {
            piece.append(&self.bytes[udp..self.length]);
        }
        piece
    }

    fn append(&mut self, part: &[u8]) {
        let end = self.length + part.len();
        // The longest headers fill the array exactly.
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(part);
            self.length = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{
        EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, Ipv4Repr, Ipv6Packet, Ipv6Repr,
        UdpPacket, UdpRepr,
    };

    use super::*;

    const OWN: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const NEXT: [u8; 6] = [2, 0, 0, 0, 0, 2];

    /// What another implementation says about a frame.
    fn check(from: &str, to: &str, payload: &[u8]) {
        let (from, to): (SocketAddr, SocketAddr) =
            (from.parse().expect("legal"), to.parse().expect("legal"));
        let envelope = Envelope::new((OWN, NEXT), from, to).expect("of one kind");
        let length = u16::try_from(payload.len()).expect("short");
        let addressed = envelope.address(length, Filling::Here(Sum::of(payload)));
        let frame = [addressed.bytes(), payload].concat();
        let frame = EthernetFrame::new_checked(&frame[..]).expect("whole");
        assert_eq!((frame.src_addr().0, frame.dst_addr().0), (OWN, NEXT));
        let checksums = ChecksumCapabilities::default();
        let inner = match frame.ethertype() {
            EthernetProtocol::Ipv4 => {
                let packet = Ipv4Packet::new_checked(frame.payload()).expect("whole");
                assert!(packet.dont_frag() && packet.verify_checksum());
                let header = Ipv4Repr::parse(&packet, &checksums).expect("legal");
                assert_eq!(header.next_header, IpProtocol::Udp);
                assert_eq!(
                    (IpAddr::from(header.src_addr), IpAddr::from(header.dst_addr)),
                    (from.ip(), to.ip())
                );
                packet.payload().to_vec()
            }
            EthernetProtocol::Ipv6 => {
                let packet = Ipv6Packet::new_checked(frame.payload()).expect("whole");
                let header = Ipv6Repr::parse(&packet).expect("legal");
                assert_eq!(
                    (IpAddr::from(header.src_addr), IpAddr::from(header.dst_addr)),
                    (from.ip(), to.ip())
                );
                packet.payload().to_vec()
            }
            other => panic!("{other:?}"),
        };
        let packet = UdpPacket::new_checked(&inner[..]).expect("whole");
        let header = UdpRepr::parse(&packet, &from.ip().into(), &to.ip().into(), &checksums);
        let header = header.expect("a good checksum");
        assert_ne!(packet.checksum(), 0);
        assert_eq!((header.src_port, header.dst_port), (from.port(), to.port()));
        assert_eq!(packet.payload(), payload);

        // The device completes the other form to the same.
        let addressed = envelope.address(length, Filling::Device);
        let checksum = addressed.checksum.expect("the device's");
        let mut frame = [addressed.bytes(), payload].concat();
        let start = usize::from(checksum.start);
        let field = start + usize::from(checksum.offset);
        let filled_in = Sum::of(&frame[start..]).checksum();
        frame[field..field + 2].copy_from_slice(&filled_in);
        assert_eq!(frame[start..], inner[..]);
    }

    #[test]
    fn others_understand_the_headers() {
        for length in [0, 1, 2, 63, 64, 1400, 1472] {
            let payload: Vec<u8> = (1..=255).cycle().take(length).collect();
            check("192.0.2.15:51820", "198.51.100.7:7", &payload);
            check("[2001:db8::15]:51820", "[2001:db8:1::7]:65535", &payload);
        }
    }

    #[test]
    fn mixed_addresses_have_no_envelope() {
        let ends = ["192.0.2.15:1", "[2001:db8::15]:1"].map(|text| text.parse().expect("legal"));
        assert!(Envelope::new((OWN, NEXT), ends[0], ends[1]).is_none());
        assert!(Envelope::new((OWN, NEXT), ends[1], ends[0]).is_none());
    }
}
