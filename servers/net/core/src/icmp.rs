//! ICMP errors about what clients sent (RFC 792, RFC 1191, RFC 4443).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::arrival::{
    IPV4_HEADER, IPV6_HEADER, PROTOCOL_FRAGMENT, PROTOCOL_ICMPV6, PROTOCOL_UDP, UDP_HEADER,
};
use crate::checksum::Sum;
use crate::counters::Reason;
use crate::evidence::{HEAD_SIZE, Mark};

/// The least MTUs that are believed: of IPv6's links (RFC 8200, 5), and what every IPv4 host takes (RFC 1122, 3.3.3).
const LEAST_IPV6_MTU: u32 = 1280;
const LEAST_IPV4_MTU: u32 = 576;

/// Bytes of a packet from which on it can be too large for a path.
pub(crate) fn least_mtu(to: IpAddr) -> usize {
    let least = if to.is_ipv4() {
        LEAST_IPV4_MTU
    } else {
        LEAST_IPV6_MTU
    };
    least as usize
}

/// Bytes of an ICMP error before the packet that it is about.
const HEADER: usize = 8;

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The address that it came from, allegedly one of this machine's.
    pub(crate) from: IpAddr,
    /// The port that it came from.
    pub(crate) port: u16,
    /// Where it went.
    pub(crate) to: SocketAddr,
    /// How it is recognised, if enough of it is quoted.
    pub(crate) mark: Option<Mark>,
    pub(crate) kind: TroubleKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TroubleKind {
    /// The path takes packets of that size only.
    TooLarge { mtu: u32 },
    /// It did not arrive.
    Unreachable,
}

/// What an ICMP message says of a datagram of ours; `packet` is the IP packet from its header on, and `message`
/// where ICMP begins.
pub(crate) fn trouble(packet: &[u8], message: usize) -> Result<Trouble, Reason> {
    let header = packet.get(..message).ok_or(Reason::Malformed)?;
    let icmp = packet.get(message..).ok_or(Reason::Malformed)?;
    let is_ipv6 = header.first().is_some_and(|byte| byte >> 4 == 6);
    if is_ipv6 {
        // The pseudo header: addresses, length, protocol (RFC 8200, 8.1).
        let addresses = header.get(8..40).ok_or(Reason::Malformed)?;
        let length = u16::try_from(icmp.len()).map_err(|_| Reason::Malformed)?;
        let sum = Sum::of(addresses).and_number(length);
        check(sum.and_number(u16::from(PROTOCOL_ICMPV6)), icmp)?;
        of_ipv6(icmp)
    } else {
        check(Sum::default(), icmp)?;
        of_ipv4(icmp)
    }
}

fn check(sum: Sum, icmp: &[u8]) -> Result<(), Reason> {
    if sum.and(Sum::of(icmp)).is_good() {
        Ok(())
    } else {
        Err(Reason::BadChecksum)
    }
}

fn of_ipv4(icmp: &[u8]) -> Result<Trouble, Reason> {
    let kind = match icmp {
        // Destination unreachable: too large and not to be fragmented, and the others but for
        // the failed source route.
        [3, 4, _, _, _, _, high, low, ..] => TroubleKind::TooLarge {
            mtu: u32::from(u16::from_be_bytes([*high, *low])).max(LEAST_IPV4_MTU),
        },
        [3, 0..=3 | 6..=13, ..] => TroubleKind::Unreachable,
        _ => return Err(Reason::UselessError),
    };
    let about = icmp.get(HEADER..).ok_or(Reason::Malformed)?;
    let first = *about.first().ok_or(Reason::Malformed)?;
    let header = about.first_chunk::<IPV4_HEADER>();
    let header = header.ok_or(Reason::Malformed)?;
    // Ours have no options.
    if first != 0x45 || header[9] != PROTOCOL_UDP {
        return Err(Reason::UselessError);
    }
    let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *header;
    let from = Ipv4Addr::new(s0, s1, s2, s3);
    let to = Ipv4Addr::new(d0, d1, d2, d3);
    with_ports(from.into(), to.into(), &about[IPV4_HEADER..], kind)
}

fn of_ipv6(icmp: &[u8]) -> Result<Trouble, Reason> {
    let kind = match icmp {
        [1, ..] => TroubleKind::Unreachable,
        [2, _, _, _, a, b, c, d, ..] => match u32::from_be_bytes([*a, *b, *c, *d]) {
            mtu @ LEAST_IPV6_MTU.. => TroubleKind::TooLarge { mtu },
            // There are no such links: to be ignored (RFC 8201, section 4).
            _ => return Err(Reason::UselessError),
        },
        _ => return Err(Reason::UselessError),
    };
    let about = icmp.get(HEADER..).ok_or(Reason::Malformed)?;
    let header = about.first_chunk::<IPV6_HEADER>();
    let header = header.ok_or(Reason::Malformed)?;
    if header[0] >> 4 != 6 {
        return Err(Reason::UselessError);
    }
    let inner = &about[IPV6_HEADER..];
    let udp = match (header[6], inner) {
        (PROTOCOL_UDP, udp) => udp,
        // The first of some pieces.
        (PROTOCOL_FRAGMENT, [PROTOCOL_UDP, _, 0, 0 | 1, _, _, _, _, udp @ ..]) => udp,
        _ => return Err(Reason::UselessError),
    };
    let address = |at: usize| {
        let octets = header.get(at..).and_then(|rest| rest.first_chunk::<16>());
        octets.map(|octets| Ipv6Addr::from(*octets))
    };
    let (from, to) = (address(8), address(24));
    let (from, to) = from.zip(to).ok_or(Reason::Malformed)?;
    with_ports(from.into(), to.into(), udp, kind)
}

fn with_ports(from: IpAddr, to: IpAddr, udp: &[u8], kind: TroubleKind) -> Result<Trouble, Reason> {
    let [s0, s1, d0, d1] = *udp.first_chunk::<4>().ok_or(Reason::Malformed)?;
    Ok(Trouble {
        from,
        port: u16::from_be_bytes([s0, s1]),
        to: SocketAddr::new(to, u16::from_be_bytes([d0, d1])),
        mark: mark(udp),
        kind,
    })
}

/// How the quoted datagram is recognised, from its UDP header on.
fn mark(udp: &[u8]) -> Option<Mark> {
    let length = u16::from_be_bytes(*udp.get(4..)?.first_chunk()?);
    Some(Mark {
        length: length.checked_sub(8)?,
        head: *udp.get(UDP_HEADER..)?.first_chunk::<HEAD_SIZE>()?,
    })
}
