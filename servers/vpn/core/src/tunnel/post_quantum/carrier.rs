//! How the messages of an exchange travel: as UDP packets inside the tunnel, to a place that no guest can reach.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{configuration::Network, tunnel::inner_packet::InnerPacket};

/// The place with IPv4: link-local, so no network has it (RFC 3927).
pub(super) const PLACE_V4: Ipv4Addr = Ipv4Addr::new(169, 254, 75, 81);
/// The place with IPv6: link-local too.
pub(super) const PLACE_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x534b);
/// The port, at both ends.
pub(super) const PORT: u16 = 0x534b;

const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const UDP_HEADER: usize = 8;
const UDP: u8 = 17;
const HOP_LIMIT: u8 = 64;

/// From where to where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tunnel) enum Addresses {
    /// With IPv4.
    V4 {
        source: Ipv4Addr,
        destination: Ipv4Addr,
    },
    /// With IPv6.
    V6 {
        source: Ipv6Addr,
        destination: Ipv6Addr,
    },
}

/// Wraps and unwraps messages.
pub(in crate::tunnel) struct Carrier {
    to_place: Option<Addresses>,
}

impl Addresses {
    /// The way back.
    pub(super) fn reversed(self) -> Self {
        match self {
            Self::V4 {
                source,
                destination,
            } => Self::V4 {
                source: destination,
                destination: source,
            },
            Self::V6 {
                source,
                destination,
            } => Self::V6 {
                source: destination,
                destination: source,
            },
        }
    }

    /// Whether this is the way to the place, so that who gets it answers.
    pub(super) fn leads_to_place(self) -> bool {
        match self {
            Self::V4 { destination, .. } => destination == PLACE_V4,
            Self::V6 { destination, .. } => destination == PLACE_V6,
        }
    }
}

impl Carrier {
    /// The carrier of a side that has these inside addresses. The peer lets only packets from them in.
    pub(in crate::tunnel) fn new(addresses: &[Network]) -> Self {
        let four = addresses.iter().find(|network| network.address().is_ipv4());
        let own = four.or(addresses.first()).map(Network::address);
        let to_place = own.map(|own| match own {
            IpAddr::V4(source) => Addresses::V4 {
                source,
                destination: PLACE_V4,
            },
            IpAddr::V6(source) => Addresses::V6 {
                source,
                destination: PLACE_V6,
            },
        });
        Self { to_place }
    }

    /// Whether a packet comes from the place or goes there. No guest may send one, and none gets one.
    pub(in crate::tunnel) fn reserves(packet: &InnerPacket) -> bool {
        let places = [IpAddr::V4(PLACE_V4), IpAddr::V6(PLACE_V6)];
        places.contains(&packet.source) || places.contains(&packet.destination)
    }

    /// The way of this side's own offers, if it has an address.
    pub(super) fn to_place(&self) -> Option<Addresses> {
        self.to_place
    }

    /// A packet with `message` on its way.
    pub(super) fn wrap(addresses: Addresses, message: &[u8]) -> Vec<u8> {
        // Messages are far shorter than 2^16.
        let length = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
        let udp_length = length(UDP_HEADER + message.len());
        let port = PORT.to_be_bytes();
        let mut udp = [&port[..], &port, &udp_length, &[0; 2], message].concat();
        let mut header = Vec::with_capacity(IPV6_HEADER);
        let mut pseudo_header = Vec::with_capacity(IPV6_HEADER);
        match addresses {
            Addresses::V4 {
                source,
                destination,
            } => {
                // RFC 791, section 3.1: no options, not to be fragmented.
                let total = length(IPV4_HEADER + udp.len());
                header.extend([
                    0x45, 0, total[0], total[1], 0, 0, 0x40, 0, HOP_LIMIT, UDP, 0, 0,
                ]);
                header.extend(source.octets());
                header.extend(destination.octets());
                let checksum = checksum(&[&header]);
                header[10..12].copy_from_slice(&checksum);
                pseudo_header.extend(source.octets());
                pseudo_header.extend(destination.octets());
            }
            Addresses::V6 {
                source,
                destination,
            } => {
                // RFC 8200, section 3.
                header.extend([0x60, 0, 0, 0, udp_length[0], udp_length[1], UDP, HOP_LIMIT]);
                header.extend(source.octets());
                header.extend(destination.octets());
                pseudo_header.extend(source.octets());
                pseudo_header.extend(destination.octets());
            }
        }
        pseudo_header.extend([0, UDP, udp_length[0], udp_length[1]]);
        let checksum = match checksum(&[&pseudo_header, &udp]) {
            // Zero would say that there is none (RFC 768).
            [0, 0] => [0xff, 0xff],
            checksum => checksum,
        };
        udp[6..8].copy_from_slice(&checksum);
        [header, udp].concat()
    }

    /// The message in a packet, and its way; none if it is none, or damaged.
    pub(super) fn unwrap(packet: &[u8]) -> Option<(Addresses, &[u8])> {
        let inner = InnerPacket::read(packet).ok()?;
        let packet = packet.get(..inner.length)?;
        let (addresses, udp) = match (inner.source, inner.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let (header, udp) = packet.split_first_chunk::<IPV4_HEADER>()?;
                // No options, not a fragment.
                let is_plain = header[0] == 0x45
                    && header[9] == UDP
                    && header[6] & 0x3f == 0
                    && header[7] == 0;
                let addresses = Addresses::V4 {
                    source,
                    destination,
                };
                is_plain.then_some((addresses, udp))?
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let (header, udp) = packet.split_first_chunk::<IPV6_HEADER>()?;
                let addresses = Addresses::V6 {
                    source,
                    destination,
                };
                (header[6] == UDP).then_some((addresses, udp))?
            }
            _ => return None,
        };
        let (header, message) = udp.split_first_chunk::<UDP_HEADER>()?;
        let is_ours = header[..2] == PORT.to_be_bytes() && header[2..4] == PORT.to_be_bytes();
        let is_whole = usize::from(u16::from_be_bytes([header[4], header[5]])) == udp.len();
        // Checksums need not be looked at: the session has authenticated every byte.
        (is_ours && is_whole).then_some((addresses, message))
    }
}

/// The Internet checksum of `parts` (RFC 1071), each of even length but the last.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u32 = words
        .map(|word| u32::from(word[0]) << 8 | word.get(1).copied().map_or(0, u32::from))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    let [_, _, high, low] = (!folded).to_be_bytes();
    [high, low]
}
