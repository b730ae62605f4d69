//! What a tunnel must know of the packets inside: where they go, where they come from, where they end.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::drops::DropReason;

const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;

/// The addresses of an IP packet, and its length without what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InnerPacket {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) length: usize,
}

impl InnerPacket {
    /// Reads the head of `bytes`, which must hold the whole packet (RFC 791, section 3.1; RFC 8200, section 3).
    pub(super) fn read(bytes: &[u8]) -> Result<Self, DropReason> {
        let packet = match bytes.first().map(|byte| byte >> 4) {
            Some(4) => Self::read_four(bytes),
            Some(6) => Self::read_six(bytes),
            _ => None,
        };
        packet
            .filter(|packet| packet.length <= bytes.len())
            .ok_or(DropReason::NotIp)
    }

    fn read_four(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<IPV4_HEADER>()?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let header_length = usize::from(header[0] & 0xf) * 4;
        let address = |at: usize| -> IpAddr {
            Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]).into()
        };
        (header_length >= IPV4_HEADER && length >= header_length).then(|| Self {
            source: address(12),
            destination: address(16),
            length,
        })
    }

    fn read_six(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<IPV6_HEADER>()?;
        let address = |at: usize| -> IpAddr {
            let octets: [u8; 16] = core::array::from_fn(|index| header[at + index]);
            Ipv6Addr::from(octets).into()
        };
        Some(Self {
            source: address(8),
            destination: address(24),
            length: IPV6_HEADER + usize::from(u16::from_be_bytes([header[4], header[5]])),
        })
    }
}
