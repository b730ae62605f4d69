//! What the guest is told of packets that did not get through (RFC 792, RFC 1191, RFC 1812; RFC 4443).

use alloc::vec::Vec;
use core::net::IpAddr;

use smoltcp::wire::checksum;

use super::emit::{self, HOP_LIMIT};
use super::packet::{ICMP, ICMP_6, Packet, Piece, Transport};
use super::{SERVICE_ADDRESS, SERVICE_ADDRESS_6};

/// Why a packet did not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It is longer than so many bytes.
    TooBig(u16),
    /// Somebody forbids it.
    Prohibited,
    /// Nobody listens there.
    NoPort,
    /// No way leads there.
    NoRoute,
}

/// Bytes of an error packet at most: RFC 1812, section 4.3.2.3, and RFC 4443, section 2.4.
const LENGTH_MAX_4: usize = 576;
const LENGTH_MAX_6: usize = 1280;
/// The shortest MTU that IPv6 allows (RFC 8200, section 5).
pub(super) const IPV6_MTU_MIN: u16 = 1280;
const HEADER_4: usize = 20;
const HEADER_6: usize = 40;
const HEADER: usize = 8;

/// The error about a packet of the guest; none about what must not cause errors.
pub(super) fn error(
    original: &[u8],
    packet: &Packet,
    transport: Option<Transport>,
    reason: Reason,
) -> Option<Vec<u8>> {
    let silent = matches!(packet.piece, Piece::Later(_))
        || matches!(transport, Some(Transport::Error(_) | Transport::Link))
        || packet.destination.is_multicast();
    if silent {
        return None;
    }
    let original = original.get(..packet.length)?;
    match packet.source {
        IpAddr::V4(guest) => {
            let (kind, code, value) = match reason {
                Reason::TooBig(mtu) => (3, 4, mtu),
                Reason::Prohibited => (3, 13, 0),
                Reason::NoPort => (3, 3, 0),
                Reason::NoRoute => (3, 0, 0),
            };
            let quoted = &original[..original.len().min(LENGTH_MAX_4 - HEADER_4 - HEADER)];
            let length = HEADER + quoted.len();
            let fill = |room: &mut [u8]| {
                fill(room, (kind, code), value.into(), quoted);
                let sum = checksum::data(room);
                room[2..4].copy_from_slice(&(!sum).to_be_bytes());
            };
            Some(emit::packet_4(SERVICE_ADDRESS, guest, ICMP, length, fill))
        }
        IpAddr::V6(guest) => {
            let (kind, code, value) = match reason {
                // Nobody may believe less (RFC 8201, section 4), and so much is carried.
                Reason::TooBig(mtu) => (2, 0, mtu.max(IPV6_MTU_MIN)),
                Reason::Prohibited => (1, 1, 0),
                Reason::NoPort => (1, 4, 0),
                Reason::NoRoute => (1, 0, 0),
            };
            let quoted = &original[..original.len().min(LENGTH_MAX_6 - HEADER_6 - HEADER)];
            let length = HEADER + quoted.len();
            let fill = |room: &mut [u8]| {
                fill(room, (kind, code), value.into(), quoted);
                set_checksum_6(SERVICE_ADDRESS_6, guest, room);
            };
            let kind = (ICMP_6, HOP_LIMIT);
            Some(emit::packet_6(SERVICE_ADDRESS_6, guest, kind, length, fill))
        }
    }
}

fn fill(room: &mut [u8], (kind, code): (u8, u8), value: u32, quoted: &[u8]) {
    room[0] = kind;
    room[1] = code;
    room[4..HEADER].copy_from_slice(&value.to_be_bytes());
    room[HEADER..].copy_from_slice(quoted);
}

/// Writes the checksum of an ICMPv6 message whose field for it is 0.
pub(super) fn set_checksum_6(
    source: core::net::Ipv6Addr,
    destination: core::net::Ipv6Addr,
    message: &mut [u8],
) {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let sum = checksum::combine(&[
        checksum::pseudo_header_v6(&source, &destination, ICMP_6.into(), length),
        checksum::data(message),
    ]);
    message[2..4].copy_from_slice(&(!sum).to_be_bytes());
}
