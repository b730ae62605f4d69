//! What the headers of an IP packet say, looked at once.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smoltcp::wire::{Ipv4Packet, Ipv6FragmentHeader, Ipv6Packet, TcpPacket};

use super::Refusal;

/// IP protocol numbers (IANA).
pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMP_6: u8 = 58;
const FRAGMENT_HEADER: u8 = 44;
/// Extension headers that can change what a packet is or where it goes (RFC 8200, section 4).
const EXTENSION_HEADERS: [u8; 6] = [0, 43, 51, 60, 135, 139];

const HEADER_4: usize = 20;
const HEADER_6: usize = 40;
const HEADER_UDP: usize = 8;
const HEADER_ICMP: usize = 8;

/// A later piece below this offset could replace part of a header: no link of the Internet has such a small
/// MTU (RFC 791: 68 bytes; RFC 1858 tells of the attack).
const PIECE_OFFSET_MIN: u16 = 48;

/// The headers of an IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    /// Where the transport's header begins.
    pub(super) transport: usize,
    /// Bytes of the packet.
    pub(super) length: usize,
    pub(super) piece: Piece,
}

/// Whether a packet is all of it, by the identification of its pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Whole,
    First(u32),
    Later(u32),
}

/// What the transport's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Tcp {
        from: u16,
        to: u16,
        flags: TcpFlags,
    },
    Udp {
        from: u16,
        to: u16,
    },
    Echo {
        request: bool,
        identifier: u16,
    },
    /// An ICMP error about a packet that went the other way.
    Error(Quoted),
    /// Neighbour discovery and whatever else concerns only the link.
    Link,
    Other,
}

/// What of TCP matters for the life of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TcpFlags {
    pub(super) opens: bool,
    pub(super) answers: bool,
    pub(super) closes: bool,
}

impl TcpFlags {
    /// Whether the segment is the first of a connection.
    pub(super) fn begins(self) -> bool {
        self.opens && !self.answers
    }
}

/// The packet that an ICMP error quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quoted {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    /// Ports; for echoes the identifier and 0.
    pub(super) from: u16,
    pub(super) to: u16,
    /// Where it begins in the packet that quotes it.
    pub(super) start: usize,
}

impl Packet {
    /// Reads the headers of the IP packet at the start of `bytes`.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        match bytes.first().map(|first| first >> 4) {
            Some(4) => Self::parse_4(bytes),
            Some(6) => Self::parse_6(bytes),
            _ => Err(Refusal::Malformed),
        }
    }

    fn parse_4(bytes: &[u8]) -> Result<Self, Refusal> {
        let packet = Ipv4Packet::new_checked(bytes).map_err(|_| Refusal::Malformed)?;
        if usize::from(packet.header_len()) != HEADER_4 {
            return Err(Refusal::Options);
        }
        let identification = packet.ident().into();
        Ok(Self {
            source: packet.src_addr().into(),
            destination: packet.dst_addr().into(),
            protocol: packet.next_header().into(),
            transport: HEADER_4,
            length: packet.total_len().into(),
            piece: piece(packet.frag_offset(), packet.more_frags(), identification)?,
        })
    }

    fn parse_6(bytes: &[u8]) -> Result<Self, Refusal> {
        let packet = Ipv6Packet::new_checked(bytes).map_err(|_| Refusal::Malformed)?;
        let mut whole = Self {
            source: packet.src_addr().into(),
            destination: packet.dst_addr().into(),
            protocol: packet.next_header().into(),
            transport: HEADER_6,
            length: packet.total_len(),
            piece: Piece::Whole,
        };
        if whole.protocol == FRAGMENT_HEADER {
            let header = bytes.get(HEADER_6..whole.length).unwrap_or_default();
            let [next, _, rest @ ..] = header else {
                return Err(Refusal::Malformed);
            };
            // smoltcp's view begins behind the first two bytes, which all extension headers share.
            let view = Ipv6FragmentHeader::new_checked(rest).map_err(|_| Refusal::Malformed)?;
            whole.protocol = *next;
            whole.transport += 8;
            let offset = view.frag_offset().saturating_mul(8);
            whole.piece = piece(offset, view.more_frags(), view.ident())?;
        }
        if EXTENSION_HEADERS.contains(&whole.protocol) || whole.protocol == FRAGMENT_HEADER {
            return Err(Refusal::Options);
        }
        Ok(whole)
    }

    /// Reads the transport's header; not for later pieces, which have none.
    pub(super) fn transport(&self, bytes: &[u8]) -> Result<Transport, Refusal> {
        let header = self.payload(bytes);
        let too_short = Refusal::Malformed;
        match (self.protocol, self.source) {
            (TCP, _) => {
                let segment = TcpPacket::new_checked(header).map_err(|_| too_short)?;
                let flags = TcpFlags {
                    opens: segment.syn(),
                    answers: segment.ack(),
                    closes: segment.fin() || segment.rst(),
                };
                let (from, to) = (segment.src_port(), segment.dst_port());
                Ok(Transport::Tcp { from, to, flags })
            }
            (UDP, _) => {
                let length = usize::from(word(header, 4).ok_or(too_short)?);
                let fits = self.piece != Piece::Whole || length <= header.len();
                if length < HEADER_UDP || header.len() < HEADER_UDP || !fits {
                    return Err(too_short);
                }
                let (from, to) = ports(header).ok_or(too_short)?;
                Ok(Transport::Udp { from, to })
            }
            (ICMP, IpAddr::V4(_)) | (ICMP_6, IpAddr::V6(_)) => self.icmp(bytes),
            (ICMP | ICMP_6, _) => Err(Refusal::Protocol),
            _ => Ok(Transport::Other),
        }
    }

    fn icmp(&self, bytes: &[u8]) -> Result<Transport, Refusal> {
        let header = self.payload(bytes);
        if header.len() < HEADER_ICMP {
            return Err(Refusal::Malformed);
        }
        let identifier = word(header, 4).ok_or(Refusal::Malformed)?;
        // RFC 792; RFC 4443.
        match (self.source, header[0]) {
            (IpAddr::V4(_), 8) | (IpAddr::V6(_), 128) => Ok(Transport::Echo {
                request: true,
                identifier,
            }),
            (IpAddr::V4(_), 0) | (IpAddr::V6(_), 129) => Ok(Transport::Echo {
                request: false,
                identifier,
            }),
            (IpAddr::V4(_), 3 | 11 | 12) | (IpAddr::V6(_), 1..=4) => {
                let start = self.transport + HEADER_ICMP;
                let quoted = bytes.get(start..self.length).unwrap_or_default();
                let quoted = Quoted::parse(quoted, start).ok_or(Refusal::Malformed)?;
                if quoted.source.is_ipv4() == self.source.is_ipv4() {
                    Ok(Transport::Error(quoted))
                } else {
                    Err(Refusal::Malformed)
                }
            }
            (IpAddr::V6(_), 130..=137 | 143) => Ok(Transport::Link),
            _ => Err(Refusal::Protocol),
        }
    }

    /// What is behind the network's header.
    pub(super) fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.transport..self.length).unwrap_or_default()
    }
}

impl Quoted {
    /// Reads what is there of a packet that is usually cut short.
    fn parse(bytes: &[u8], start: usize) -> Option<Self> {
        let (source, destination, protocol, transport): (IpAddr, IpAddr, u8, usize);
        match bytes.first()? >> 4 {
            4 => {
                let address = |at| Some(Ipv4Addr::from_octets(*bytes.get(at..)?.first_chunk()?));
                (source, destination) = (address(12)?.into(), address(16)?.into());
                protocol = *bytes.get(9)?;
                transport = usize::from(bytes[0] & 15) * 4;
            }
            6 => {
                let address = |at| Some(Ipv6Addr::from_octets(*bytes.get(at..)?.first_chunk()?));
                (source, destination) = (address(8)?.into(), address(24)?.into());
                protocol = *bytes.get(6)?;
                transport = HEADER_6;
            }
            _ => return None,
        }
        let header = bytes.get(transport..)?;
        let (from, to) = match protocol {
            TCP | UDP => ports(header)?,
            ICMP | ICMP_6 => (word(header, 4)?, 0),
            _ => (0, 0),
        };
        Some(Self {
            source,
            destination,
            protocol,
            from,
            to,
            start,
        })
    }
}

fn piece(offset: u16, more: bool, identification: u32) -> Result<Piece, Refusal> {
    match (offset, more) {
        (0, false) => Ok(Piece::Whole),
        (0, true) => Ok(Piece::First(identification)),
        (PIECE_OFFSET_MIN.., _) => Ok(Piece::Later(identification)),
        _ => Err(Refusal::Fragment),
    }
}

fn ports(header: &[u8]) -> Option<(u16, u16)> {
    word(header, 0).zip(word(header, 2))
}

/// The big-endian number of two bytes at `at`.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([pair[0], pair[1]]))
}
