//! What came in: sorted by its headers, which are checked here and nowhere else.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::addresses::{Addresses, is_one_host};
use crate::checksum::Sum;
use crate::counters::Reason;
use crate::dhcp6;
use crate::pieces::{FRAGMENT_HEADER, UNIT};
use crate::reassembly::{Part, Whole};

/// Bytes from which a frame can be sorted: the longest headers before a payload are Ethernet's, an IPv4 header
/// with all options and UDP's, 82 bytes.
pub(crate) const HEAD_SIZE: usize = 96;

pub(crate) const ETHERNET_HEADER: usize = 14;
pub(crate) const IPV4_HEADER: usize = 20;
pub(crate) const IPV6_HEADER: usize = 40;
pub(crate) const UDP_HEADER: usize = 8;

pub(crate) const TYPE_IPV4: u16 = 0x0800;
pub(crate) const TYPE_ARP: u16 = 0x0806;
pub(crate) const TYPE_IPV6: u16 = 0x86dd;

pub(crate) const PROTOCOL_ICMP: u8 = 1;
pub(crate) const PROTOCOL_UDP: u8 = 17;
pub(crate) const PROTOCOL_FRAGMENT: u8 = 44;
pub(crate) const PROTOCOL_ICMPV6: u8 = 58;

/// Neighbour discovery is believed from the link alone (RFC 4861, 6.1 and 7.1).
const HOP_LIMIT_OF_THE_LINK: u8 = 255;
const DHCP_SERVER: u16 = 67;
const DHCP_CLIENT: u16 = 68;

/// Something that is not dropped at first sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// A UDP payload for one of this machine's addresses.
    Payload(Payload),
    /// A piece of a UDP datagram for one of this machine's addresses.
    Part(Part),
    /// ARP, about whatever address.
    Arp,
    /// UDP from a DHCP server's port to a client's.
    Dhcp,
    /// UDP from a DHCPv6 server's port to a client's, both on the link.
    Dhcp6(Payload),
    /// ICMPv6 of neighbour discovery, from the link.
    Discovery,
    /// ICMP or ICMPv6 of another kind: the IP header begins here, the message there.
    Icmp {
        ip: usize,
        message: usize,
        end: usize,
    },
}

/// Where in the frame a UDP payload lies, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) from: SocketAddr,
    pub(crate) port: u16,
    pub(crate) start: usize,
    pub(crate) length: usize,
    /// The sum of everything else that the checksum covers; none if the sender left the checksum out.
    pub(crate) sum: Option<Sum>,
}

/// Sorts a frame of `length` bytes that begins with `head`, [`HEAD_SIZE`] bytes of it or all.
pub(crate) fn sort(head: &[u8], length: usize, own: &Addresses) -> Result<Arrival, Reason> {
    let to = array::<6>(head, 0)?;
    // Multicast and broadcast have the lowest bit of the first byte; what is inside says whether it concerns us.
    if to != own.mac && to[0] & 1 == 0 {
        return Err(Reason::NotForUs);
    }
    match number(head, 12)? {
        TYPE_ARP => Ok(Arrival::Arp),
        TYPE_IPV4 => sort_ipv4(head, length, own),
        TYPE_IPV6 => sort_ipv6(head, length, own),
        _ => Err(Reason::OtherProtocol),
    }
}

fn sort_ipv4(head: &[u8], length: usize, own: &Addresses) -> Result<Arrival, Reason> {
    let ip = ETHERNET_HEADER;
    let version_and_length = byte(head, ip)?;
    let header_length = usize::from(version_and_length & 0xf) * 4;
    let total = usize::from(number(head, ip + 2)?);
    let end = ip + total;
    if version_and_length >> 4 != 4
        || header_length < IPV4_HEADER
        || total < header_length
        || end > length
    {
        return Err(Reason::Malformed);
    }
    let header = head.get(ip..ip + header_length).ok_or(Reason::Malformed)?;
    if !Sum::of(header).is_good() {
        return Err(Reason::BadChecksum);
    }
    let from = Ipv4Addr::from(array::<4>(head, ip + 12)?);
    let to = IpAddr::from(array::<4>(head, ip + 16)?);
    let inner = ip + header_length;
    let protocol = byte(head, ip + 9)?;
    // More pieces to come, or not the first.
    let place = number(head, ip + 6)?;
    if place & 0x3fff != 0 {
        check_ends(from.into(), to, own)?;
        let part = Part {
            whole: Whole {
                from: from.into(),
                to,
                identification: number(head, ip + 4)?.into(),
            },
            offset: usize::from(place & 0x1fff) * UNIT,
            is_last: place & 0x2000 == 0,
            start: inner,
            length: total - header_length,
        };
        return sort_part(part, protocol);
    }
    if protocol == PROTOCOL_UDP
        && (number(head, inner)?, number(head, inner + 2)?) == (DHCP_SERVER, DHCP_CLIENT)
    {
        return Ok(Arrival::Dhcp);
    }
    check_ends(from.into(), to, own)?;
    match protocol {
        PROTOCOL_UDP => sort_udp(head, inner, end, from.into(), to),
        PROTOCOL_ICMP => Ok(Arrival::Icmp {
            ip,
            message: inner,
            end,
        }),
        _ => Err(Reason::OtherProtocol),
    }
}

fn sort_ipv6(head: &[u8], length: usize, own: &Addresses) -> Result<Arrival, Reason> {
    let ip = ETHERNET_HEADER;
    let inner = ip + IPV6_HEADER;
    let end = inner + usize::from(number(head, ip + 4)?);
    if byte(head, ip)? >> 4 != 6 || end > length || head.len() < inner {
        return Err(Reason::Malformed);
    }
    let from = Ipv6Addr::from(array::<16>(head, ip + 8)?);
    let to = Ipv6Addr::from(array::<16>(head, ip + 24)?);
    // Other extension headers are of no use between tunnels.
    match byte(head, ip + 6)? {
        PROTOCOL_FRAGMENT => {
            check_ends(from.into(), to.into(), own)?;
            let [protocol, _, p0, p1, i0, i1, i2, i3] = array(head, inner)?;
            let place = u16::from_be_bytes([p0, p1]);
            let part = Part {
                whole: Whole {
                    from: from.into(),
                    to: to.into(),
                    identification: u32::from_be_bytes([i0, i1, i2, i3]),
                },
                offset: usize::from(place & 0xfff8),
                is_last: place & 1 == 0,
                start: inner + FRAGMENT_HEADER,
                length: (end - inner)
                    .checked_sub(FRAGMENT_HEADER)
                    .ok_or(Reason::Malformed)?,
            };
            sort_part(part, protocol)
        }
        PROTOCOL_UDP => {
            check_ends(from.into(), to.into(), own)?;
            let arrival = sort_udp(head, inner, end, from.into(), to.into())?;
            match arrival {
                Arrival::Payload(payload) if payload.port == dhcp6::CLIENT_PORT => {
                    let is_near = from.is_unicast_link_local() && to.is_unicast_link_local();
                    let is_servers = payload.from.port() == dhcp6::SERVER_PORT;
                    let is_from_server = is_near && is_servers;
                    is_from_server
                        .then_some(Arrival::Dhcp6(payload))
                        .ok_or(Reason::BadSource)
                }
                other => Ok(other),
            }
        }
        PROTOCOL_ICMPV6 => {
            let kind = byte(head, inner)?;
            if (133..=137).contains(&kind) {
                let is_near = byte(head, ip + 7)? == HOP_LIMIT_OF_THE_LINK;
                return if is_near {
                    Ok(Arrival::Discovery)
                } else {
                    Err(Reason::BadSource)
                };
            }
            check_ends(from.into(), to.into(), own)?;
            Ok(Arrival::Icmp {
                ip,
                message: inner,
                end,
            })
        }
        _ => Err(Reason::OtherProtocol),
    }
}

fn check_ends(from: IpAddr, to: IpAddr, own: &Addresses) -> Result<(), Reason> {
    if !own.has(to) {
        return Err(Reason::NotForUs);
    }
    if !is_one_host(from) || own.has(from) {
        return Err(Reason::BadSource);
    }
    Ok(())
}

/// A piece of what may be a UDP datagram; whether it is, is seen when it is whole.
fn sort_part(part: Part, protocol: u8) -> Result<Arrival, Reason> {
    match protocol {
        PROTOCOL_UDP => Ok(Arrival::Part(part)),
        _ => Err(Reason::OtherProtocol),
    }
}

/// What was put together of pieces, from its UDP header on.
pub(crate) fn sort_whole(datagram: &[u8], whole: &Whole) -> Result<Payload, Reason> {
    let head = &datagram[..datagram.len().min(HEAD_SIZE)];
    match sort_udp(head, 0, datagram.len(), whole.from, whole.to)? {
        Arrival::Payload(payload) => Ok(payload),
        _ => Err(Reason::OtherProtocol),
    }
}

/// A UDP header at `udp` in a packet that ends at `end` (RFC 768; over IPv6: RFC 8200, 8.1).
fn sort_udp(
    head: &[u8],
    udp: usize,
    end: usize,
    from: IpAddr,
    to: IpAddr,
) -> Result<Arrival, Reason> {
    let header = array::<UDP_HEADER>(head, udp)?;
    let [s0, s1, d0, d1, l0, l1, c0, c1] = header;
    let length = u16::from_be_bytes([l0, l1]);
    if usize::from(length) < UDP_HEADER || udp + usize::from(length) > end {
        return Err(Reason::Malformed);
    }
    let sum = match ([c0, c1], from) {
        ([0, 0], IpAddr::V4(_)) => None,
        ([0, 0], IpAddr::V6(_)) => return Err(Reason::BadChecksum),
        _ => Some(
            Sum::of_address(from)
                .and(Sum::of_address(to))
                .and(Sum::of(&header))
                .and_number(u16::from(PROTOCOL_UDP))
                .and_number(length),
        ),
    };
    let source_port = u16::from_be_bytes([s0, s1]);
    if source_port == 0 {
        return Err(Reason::BadSource);
    }
    Ok(Arrival::Payload(Payload {
        from: SocketAddr::new(from, source_port),
        port: u16::from_be_bytes([d0, d1]),
        start: udp + UDP_HEADER,
        length: usize::from(length) - UDP_HEADER,
        sum,
    }))
}

fn byte(bytes: &[u8], at: usize) -> Result<u8, Reason> {
    bytes.get(at).copied().ok_or(Reason::Malformed)
}

/// A number of 16 bits, the high half first.
fn number(bytes: &[u8], at: usize) -> Result<u16, Reason> {
    array(bytes, at).map(u16::from_be_bytes)
}

fn array<const LENGTH: usize>(bytes: &[u8], at: usize) -> Result<[u8; LENGTH], Reason> {
    let slice = bytes.get(at..).and_then(|rest| rest.first_chunk());
    slice.copied().ok_or(Reason::Malformed)
}
