//! Addresses are replaced in packets, and checksums with them (RFC 1624).

use core::net::IpAddr;

use smoltcp::wire::checksum;

use super::packet::{ICMP_6, Packet, Piece, Quoted, TCP, UDP, word};

/// Which of a packet's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Source,
    Destination,
}

/// Replaces an address of the packet by another one of the same family; of different ones, nothing happens.
pub(super) fn replace(bytes: &mut [u8], packet: &mut Packet, which: Which, new: IpAddr) {
    let old = match which {
        Which::Source => &mut packet.source,
        Which::Destination => &mut packet.destination,
    };
    if *old == new || old.is_ipv4() != new.is_ipv4() {
        return;
    }
    let (old, new) = (core::mem::replace(old, new), new);
    match (old, new) {
        (IpAddr::V4(old), IpAddr::V4(new)) => {
            let (old, new) = (old.octets(), new.octets());
            write(bytes, place(which, true), &new);
            adjust(bytes, HEADER_CHECKSUM_AT, &old, &new);
            adjust_transport(bytes, packet, &old, &new);
        }
        (IpAddr::V6(old), IpAddr::V6(new)) => {
            let (old, new) = (old.octets(), new.octets());
            write(bytes, place(which, false), &new);
            adjust_transport(bytes, packet, &old, &new);
        }
        _ => {}
    }
}

/// Replaces an address of the packet that an ICMP error quotes. What the quoted packet's own checksums say is
/// nobody's concern: it is cut short.
pub(super) fn replace_quoted(
    bytes: &mut [u8],
    packet: &Packet,
    quoted: &Quoted,
    which: Which,
    new: IpAddr,
) {
    let old = match which {
        Which::Source => quoted.source,
        Which::Destination => quoted.destination,
    };
    let at = |is_4| quoted.start + place(which, is_4);
    let checksum = packet.transport + ICMP_CHECKSUM;
    match (old, new) {
        (IpAddr::V4(old), IpAddr::V4(new)) => {
            write(bytes, at(true), &new.octets());
            adjust(bytes, checksum, &old.octets(), &new.octets());
        }
        (IpAddr::V6(old), IpAddr::V6(new)) => {
            write(bytes, at(false), &new.octets());
            adjust(bytes, checksum, &old.octets(), &new.octets());
        }
        _ => {}
    }
}

/// Finishes a checksum that covers everything from `start` on and lies at `start + offset`, where its sender
/// left the sum of the pseudo header (virtio 1.2, section 5.1.6.2).
pub(super) fn complete(frame: &mut [u8], start: usize, offset: usize) {
    let Some(covered) = frame.get(start..) else {
        return;
    };
    let sum = !checksum::data(covered);
    // 0 would say that there is none; the other way to write the same number does not.
    let sum = if sum == 0 { u16::MAX } else { sum };
    write(frame, start + offset, &sum.to_be_bytes());
}

const HEADER_CHECKSUM_AT: usize = 10;
const TCP_CHECKSUM: usize = 16;
const UDP_CHECKSUM: usize = 6;
const ICMP_CHECKSUM: usize = 2;

fn place(which: Which, is_4: bool) -> usize {
    match (which, is_4) {
        (Which::Source, true) => 12,
        (Which::Destination, true) => 16,
        (Which::Source, false) => 8,
        (Which::Destination, false) => 24,
    }
}

/// Adjusts the checksum that covers the addresses, if the packet has the transport's header.
fn adjust_transport(bytes: &mut [u8], packet: &Packet, old: &[u8], new: &[u8]) {
    let offset = match packet.protocol {
        _ if matches!(packet.piece, Piece::Later(_)) => return,
        TCP => TCP_CHECKSUM,
        UDP => UDP_CHECKSUM,
        ICMP_6 => ICMP_CHECKSUM,
        _ => return,
    };
    let at = packet.transport + offset;
    let is_udp = packet.protocol == UDP;
    if is_udp && word(bytes, at) == Some(0) {
        return;
    }
    adjust(bytes, at, old, new);
    if is_udp && word(bytes, at) == Some(0) {
        write(bytes, at, &u16::MAX.to_be_bytes());
    }
}

/// Adjusts the checksum at `at` to `new` in place of `old`.
pub(super) fn adjust(bytes: &mut [u8], at: usize, old: &[u8], new: &[u8]) {
    if let Some(sum) = word(bytes, at) {
        let sums = [!sum, !checksum::data(old), checksum::data(new)];
        write(bytes, at, &(!checksum::combine(&sums)).to_be_bytes());
    }
}

/// Writes what fits; callers have looked at the packet's lengths.
fn write(bytes: &mut [u8], at: usize, new: &[u8]) {
    if let Some(room) = bytes.get_mut(at..at + new.len()) {
        room.copy_from_slice(new);
    }
}
