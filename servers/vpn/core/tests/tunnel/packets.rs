//! IP packets with a body, and nothing of a transport in them.

use std::net::{Ipv4Addr, Ipv6Addr};

/// An IPv4 packet of `length` bytes in all; its body counts up from `mark`.
pub(crate) fn packet(source: &str, destination: &str, length: usize, mark: u8) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 253, 0, 0];
    packet[2..4].copy_from_slice(&u16::try_from(length).expect("a packet").to_be_bytes());
    for address in [source, destination] {
        let address: Ipv4Addr = address.parse().expect("an address");
        packet.extend(address.octets());
    }
    fill(packet, length, mark)
}

/// An IPv6 packet of `length` bytes in all.
pub(crate) fn packet_six(source: &str, destination: &str, length: usize, mark: u8) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, 253, 64];
    let payload = u16::try_from(length - 40).expect("a packet");
    packet[4..6].copy_from_slice(&payload.to_be_bytes());
    for address in [source, destination] {
        let address: Ipv6Addr = address.parse().expect("an address");
        packet.extend(address.octets());
    }
    fill(packet, length, mark)
}

fn fill(mut packet: Vec<u8>, length: usize, mark: u8) -> Vec<u8> {
    let body = (packet.len()..length).map(|index| mark.wrapping_add(index.to_le_bytes()[0]));
    packet.extend(body.collect::<Vec<_>>());
    packet
}
