//! Frames that somebody hostile on the link sends to the machine.
//!
//! Each kind is as hostile as a stranger can be: damaged in every header that is looked at, or whole and a lie. None
//! seems to come from the machine itself, so that a capture stays readable.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::Deserialize;
use smoltcp::wire::{EthernetProtocol, IpProtocol};

use super::dhcp6;
use super::discovery;
use super::emit;
use super::file::{Addresses, Advertisement};
use super::places::{PEER, PEER_6, ROUTER, ROUTER_6, ROUTER_MAC};
use crate::qemu::MAC;

/// The longest frame without a tag, less its checksum.
const FRAME_MAX: usize = 1514;

/// A kind of hostile frame.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Hostile {
    /// Bytes without a meaning, of any length and protocol.
    Noise,
    /// A peer's datagram, cut off anywhere.
    Truncated,
    /// A peer's datagram with some bits inverted.
    Flipped,
    /// A whole frame, and much behind it.
    Oversized,
    /// Parts of packets of which the rest never comes.
    Fragments,
    /// ARP of any content.
    Arp,
    /// Neighbour discovery of any content.
    Discovery,
    /// Advertisements of ever other routers and prefixes.
    Routers,
    /// Offers, leases and refusals that nobody asked for.
    Dhcp,
    /// The same of DHCPv6.
    Dhcp6,
    /// Errors about datagrams, sent or not.
    Icmp,
    /// Messages of a tunnel, from strangers.
    Forged,
    /// A peer's message of before, again.
    Replayed,
}

/// Numbers that look like chance and are the same in each run (xorshift, Marsaglia 2003).
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new() -> Chance {
        Chance(0x5345_4b49_5348_4f21)
    }

    fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.number() % limit).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.number().to_le_bytes()[3]
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }

    fn ipv6(&mut self, prefix: u16) -> Ipv6Addr {
        let bits = u128::from(self.number()) << 64 | u128::from(self.number());
        Ipv6Addr::from_bits(u128::from(prefix) << 112 | bits >> 16)
    }
}

/// What an attacker has seen on the link.
#[derive(Default)]
pub(super) struct Seen {
    /// Where the machine's tunnel speaks from, and to.
    pub(super) ends: Option<(SocketAddr, SocketAddr)>,
    /// The last messages of the peer's, as frames.
    pub(super) messages: Vec<Vec<u8>>,
}

impl Seen {
    /// How many messages are kept.
    const MOST: usize = 32;

    /// Notes a frame with a message of the peer's.
    pub(super) fn note(&mut self, frame: &[u8]) {
        if self.messages.len() == Seen::MOST {
            self.messages.remove(0);
        }
        self.messages.push(frame.to_vec());
    }

    fn message(&self, chance: &mut Chance) -> Vec<u8> {
        let index = chance.below(self.messages.len());
        let frame = self.messages.get(index).cloned();
        frame.unwrap_or_else(|| frame_of(EthernetProtocol::Ipv4, &[0x45; 60]))
    }

    /// Ends of a conversation: the tunnel's, if it was seen.
    fn ends(&self) -> (SocketAddr, SocketAddr) {
        let unknown = (
            SocketAddr::from((Ipv4Addr::new(192, 0, 2, 50), 51820)),
            SocketAddr::from((PEER, 51820)),
        );
        self.ends.unwrap_or(unknown)
    }
}

impl Hostile {
    /// The next frame of that kind.
    pub(super) fn frame(self, chance: &mut Chance, seen: &Seen) -> Vec<u8> {
        match self {
            Hostile::Noise => noise(chance),
            Hostile::Truncated => {
                let mut frame = seen.message(chance);
                frame.truncate(chance.below(frame.len()).max(1));
                frame
            }
            Hostile::Flipped => {
                let mut frame = seen.message(chance);
                for _ in 0..=chance.below(3) {
                    // The source stays what it is, see above.
                    let place = 12 + chance.below(frame.len() - 12);
                    frame[place] ^= 1 << chance.below(8);
                }
                frame
            }
            Hostile::Oversized => {
                let mut frame = seen.message(chance);
                frame.resize(FRAME_MAX + chance.below(3000), 0xee);
                frame
            }
            Hostile::Fragments => fragment(chance, seen),
            Hostile::Arp => {
                let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 2];
                packet.extend(chance.bytes(20));
                packet.truncate(28 - chance.below(2) * chance.below(28));
                frame_of(EthernetProtocol::Arp, &packet)
            }
            Hostile::Discovery => neighbour_discovery(chance),
            Hostile::Routers => discovery::advertise(&Advertisement {
                from: chance.ipv6(0xfe80),
                prefix: chance.ipv6(0x2001),
                lifetime_seconds: 9000,
                mtu: Some(68),
                addresses: [Addresses::Made, Addresses::Given][chance.below(2)],
            }),
            Hostile::Dhcp => {
                let from = (ROUTER, 67).into();
                let to = (Ipv4Addr::BROADCAST, 68).into();
                frame_of(
                    EthernetProtocol::Ipv4,
                    &emit::datagram(from, to, &lease(chance)),
                )
            }
            Hostile::Dhcp6 => {
                let from = (ROUTER_6, dhcp6::SERVER_PORT).into();
                let to = (dhcp6::client(), dhcp6::CLIENT_PORT).into();
                frame_of(
                    EthernetProtocol::Ipv6,
                    &emit::datagram(from, to, &given_address(chance)),
                )
            }
            Hostile::Icmp => error(chance, seen),
            Hostile::Forged => forged(chance, seen),
            Hostile::Replayed => seen.message(chance),
        }
    }
}

fn frame_of(protocol: EthernetProtocol, packet: &[u8]) -> Vec<u8> {
    emit::frame(ROUTER_MAC, MAC, protocol, packet)
}

fn noise(chance: &mut Chance) -> Vec<u8> {
    let protocol = match chance.below(4) {
        0 => EthernetProtocol::Ipv4,
        1 => EthernetProtocol::Ipv6,
        2 => EthernetProtocol::Arp,
        _ => EthernetProtocol::Unknown(u16::from_le_bytes([chance.byte(), chance.byte()])),
    };
    let length = chance.below(200);
    let mut packet = chance.bytes(length);
    // Half of them look at first like what they say they are.
    if let (Some(first), true) = (packet.first_mut(), chance.below(2) == 0) {
        *first = if protocol == EthernetProtocol::Ipv6 {
            0x60
        } else {
            0x45
        };
    }
    frame_of(protocol, &packet)
}

fn fragment(chance: &mut Chance, seen: &Seen) -> Vec<u8> {
    let (machine, peer) = seen.ends();
    let mut packet = emit::datagram(peer, machine, &[4; 64]);
    if peer.is_ipv4() {
        // More to come, or not the first (RFC 791, section 3.1); the header's sum follows.
        let (flags, offset) = if chance.below(2) == 0 {
            (0x20, 0)
        } else {
            (0, chance.byte() | 1)
        };
        (packet[6], packet[7]) = (flags, offset);
        (packet[10], packet[11]) = (0, 0);
        let sum = smoltcp::wire::checksum::data(&packet[..20]);
        packet[10..12].copy_from_slice(&(!sum).to_be_bytes());
        frame_of(EthernetProtocol::Ipv4, &packet)
    } else {
        // A fragment header between IP and UDP (RFC 8200, section 4.5).
        let header = [17, 0, 0, chance.byte() | 1, chance.byte(), 0, 0, 1];
        packet.splice(40..40, header);
        packet[6] = 44;
        packet[5] += 8;
        frame_of(EthernetProtocol::Ipv6, &packet)
    }
}

fn neighbour_discovery(chance: &mut Chance) -> Vec<u8> {
    let kind = 133 + u8::try_from(chance.below(5)).unwrap_or(0);
    let mut message = vec![kind, 0, 0, 0];
    let length = chance.below(80);
    message.extend(chance.bytes(length));
    let from = chance.ipv6(0xfe80);
    let to = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    checksum_icmpv6(&mut message, from, to);
    let packet = emit::packet(from.into(), to.into(), IpProtocol::Icmpv6, &message);
    frame_of(EthernetProtocol::Ipv6, &packet)
}

/// RFC 4443, section 2.3.
fn checksum_icmpv6(message: &mut [u8], from: Ipv6Addr, to: Ipv6Addr) {
    use smoltcp::wire::checksum::{combine, data, pseudo_header};
    let length = u32::try_from(message.len()).unwrap_or(0);
    let pseudo = pseudo_header(&from.into(), &to.into(), IpProtocol::Icmpv6, length);
    let sum = !combine(&[pseudo, data(message)]);
    if let Some(place) = message.get_mut(2..4) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
}

/// An answer of a DHCP server's to another question, with options of any content (RFC 2131, section 2).
fn lease(chance: &mut Chance) -> Vec<u8> {
    let mut message = vec![2, 1, 6, 0];
    message.extend(chance.bytes(24));
    message.extend(MAC);
    message.resize(236, 0);
    message.extend([0x63, 0x82, 0x53, 0x63, 53, 1, [2, 5, 6][chance.below(3)]]);
    let length = chance.below(60);
    message.extend(chance.bytes(length));
    message
}

/// An answer of a DHCPv6 server's to another question (RFC 8415, section 8): an address, sometimes cut off or followed by
/// options of any content.
fn given_address(chance: &mut Chance) -> Vec<u8> {
    let kind = [dhcp6::ADVERTISE, dhcp6::REPLY][chance.below(2)];
    let transaction = [chance.byte(), chance.byte(), chance.byte()];
    let address = chance.ipv6(0x2001);
    let mut message = dhcp6::grant(kind, transaction, address, 9000);
    match chance.below(3) {
        0 => message.truncate(chance.below(message.len())),
        1 => {
            let length = chance.below(60);
            message.extend(chance.bytes(length));
        }
        _ => {}
    }
    message
}

/// That the peer is out of reach, or takes tiny packets only, about a datagram that may have been sent.
fn error(chance: &mut Chance, seen: &Seen) -> Vec<u8> {
    let (machine, peer) = seen.ends();
    let cited = emit::datagram(machine, peer, &chance.bytes(20));
    let cited = &cited[..cited.len() - chance.below(30)];
    let rest = [0, 0, chance.byte(), chance.byte()];
    match (machine.ip(), peer.ip()) {
        (IpAddr::V6(to), _) => {
            let kind = [1, 2, 3][chance.below(3)];
            let mut message = vec![kind, 0, 0, 0];
            message.extend(rest);
            message.extend(cited);
            checksum_icmpv6(&mut message, PEER_6, to);
            let packet = emit::packet(PEER_6.into(), to.into(), IpProtocol::Icmpv6, &message);
            frame_of(EthernetProtocol::Ipv6, &packet)
        }
        (to, _) => {
            let mut message = vec![3, [1, 3, 4][chance.below(3)], 0, 0];
            message.extend(rest);
            message.extend(cited);
            let sum = !smoltcp::wire::checksum::data(&message);
            message[2..4].copy_from_slice(&sum.to_be_bytes());
            let packet = emit::packet(PEER.into(), to, IpProtocol::Icmp, &message);
            frame_of(EthernetProtocol::Ipv4, &packet)
        }
    }
}

/// A message that has the form of one (WireGuard whitepaper, section 5.4), made without any key.
fn forged(chance: &mut Chance, seen: &Seen) -> Vec<u8> {
    let (machine, peer) = seen.ends();
    let (kind, length) =
        [(1, 148), (2, 92), (3, 64), (4, 32 + 16 * chance.below(60))][chance.below(4)];
    let mut payload = chance.bytes(length);
    payload[..4].copy_from_slice(&[kind, 0, 0, 0]);
    let protocol = if peer.is_ipv4() {
        EthernetProtocol::Ipv4
    } else {
        EthernetProtocol::Ipv6
    };
    frame_of(protocol, &emit::datagram(peer, machine, &payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Hostile; 13] = [
        Hostile::Noise,
        Hostile::Truncated,
        Hostile::Flipped,
        Hostile::Oversized,
        Hostile::Fragments,
        Hostile::Arp,
        Hostile::Discovery,
        Hostile::Routers,
        Hostile::Dhcp,
        Hostile::Dhcp6,
        Hostile::Icmp,
        Hostile::Forged,
        Hostile::Replayed,
    ];

    #[test]
    fn every_kind_makes_frames_that_are_not_the_machines() {
        let (machine, peer) = (SocketAddr::from((PEER_6, 1)), SocketAddr::from((PEER_6, 2)));
        let packet = emit::datagram(peer, machine, &[4; 100]);
        let mut seen = [Seen::default(), Seen::default()];
        seen[1].ends = Some((machine, peer));
        seen[1].note(&frame_of(EthernetProtocol::Ipv6, &packet));
        let mut chance = Chance::new();
        for kind in ALL {
            for seen in &seen {
                for _ in 0..1000 {
                    let frame = kind.frame(&mut chance, seen);
                    assert!(!frame.is_empty());
                    assert_ne!(frame.get(6..12), Some(&MAC[..]), "{kind:?}");
                }
            }
        }
    }
}
