//! What kind of frame the machine sent, judged by every byte of it.
//!
//! A frame is of a kind if it is exactly what the kind may be: each header complete, each field that could carry something else
//! zero or as expected, nothing behind the end but zeroes. So whatever a kind does not need cannot leave in it: no name of
//! the guest's in a DHCP message, no packet behind an ARP message, no other protocol inside.

use anyhow::{Result, bail, ensure};
use serde::Deserialize;

use super::outside::SERVER_6;
use crate::qemu::MAC;

const ETHERNET_HEADER: usize = 14;
/// Bytes of the shortest frame that a card may send; shorter ones are filled up with zeroes.
const SHORTEST: usize = 60;

/// A kind of frame.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(try_from = "String")]
pub(crate) enum Kind {
    /// ARP for IPv4 over Ethernet (RFC 826).
    Arp,
    /// A client's messages to a DHCP server, with no more than it needs (RFC 2131, RFC 2132).
    Dhcp,
    /// The same of DHCPv6 (RFC 8415).
    Dhcp6,
    /// Neighbour discovery (RFC 4861): solicitations and advertisements of neighbours, solicitations of routers.
    NeighbourDiscovery,
    /// Messages of WireGuard, to whatever port (whitepaper, section 5.4).
    Tunnel,
    /// The same, cut into pieces on the way out of the machine, all of which are there.
    TunnelInPieces,
    /// Other datagrams to that port.
    UdpTo(u16),
}

impl TryFrom<String> for Kind {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Kind> {
        Ok(match text.as_str() {
            "arp" => Kind::Arp,
            "dhcp" => Kind::Dhcp,
            "dhcp6" => Kind::Dhcp6,
            "neighbour-discovery" => Kind::NeighbourDiscovery,
            "tunnel" => Kind::Tunnel,
            "tunnel in pieces" => Kind::TunnelInPieces,
            other => match other.strip_prefix("udp to ") {
                Some(port) => Kind::UdpTo(port.parse()?),
                None => bail!("no kind of frame is called {other:?}"),
            },
        })
    }
}

/// A frame that was looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known<'f> {
    pub(super) kind: Kind,
    /// All that is not ciphertext.
    pub(super) readable: &'f [u8],
    /// The ciphertext behind it.
    pub(super) sealed: &'f [u8],
}

/// What the frame is. The error says what should not be in it.
pub(super) fn of(frame: &[u8]) -> Result<Known<'_>> {
    ensure!(frame.get(6..12) == Some(&MAC), "its sender is not the card");
    let behind = &frame[12..];
    let (kind, length, sealed) = match behind {
        [0x08, 0x06, message @ ..] => {
            check_arp(message)?;
            (Kind::Arp, 28, 0)
        }
        [0x08, 0x00, packet @ ..] => of_ipv4(packet)?,
        [0x86, 0xdd, packet @ ..] => of_ipv6(packet)?,
        _ => bail!("its protocol has no business here"),
    };
    let end = ETHERNET_HEADER + length;
    let padding = frame.get(end..).unwrap_or(&[0xff]);
    let is_filled_up = frame.len() == SHORTEST && padding.iter().all(|byte| *byte == 0);
    ensure!(
        padding.is_empty() || is_filled_up,
        "there is something behind its end"
    );
    Ok(Known {
        kind,
        readable: &frame[..end - sealed],
        sealed: &frame[end - sealed..end],
    })
}

fn check_arp(message: &[u8]) -> Result<()> {
    let [0, 1, 8, 0, 6, 4, 0, 1 | 2, rest @ ..] = message else {
        bail!("it is no question or answer of ARP's");
    };
    ensure!(
        rest.get(..6) == Some(&MAC),
        "it tells of another's Ethernet address"
    );
    Ok(())
}

/// The kind, the packet's length, and how much of its end is ciphertext.
fn of_ipv4(packet: &[u8]) -> Result<(Kind, usize, usize)> {
    let Some((header, message)) = packet.split_at_checked(20) else {
        bail!("it ends within a header");
    };
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let message = message.get(..length.saturating_sub(20));
    let Some(message) = message.filter(|_| length >= 20) else {
        bail!("its length is not true");
    };
    // Version, no options, no type of service; then whole packets alone (RFC 791, section 3.1).
    ensure!(
        header[..2] == [0x45, 0],
        "its IPv4 header has more than it needs"
    );
    ensure!(
        header[6] & 0xbf == 0 && header[7] == 0,
        "it is a part of a packet"
    );
    ensure!(header[9] == 17, "its protocol is not UDP");
    let (kind, sealed) = of_udp(message)?;
    Ok((kind, length, sealed))
}

fn of_ipv6(packet: &[u8]) -> Result<(Kind, usize, usize)> {
    let Some((header, message)) = packet.split_at_checked(40) else {
        bail!("it ends within a header");
    };
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let Some(message) = message.get(..length) else {
        bail!("its length is not true");
    };
    ensure!(
        header[..4] == [0x60, 0, 0, 0],
        "its IPv6 header has more than it needs"
    );
    let (kind, sealed) = match header[6] {
        17 => of_udp(message)?,
        58 => {
            ensure!(
                header[7] == 255,
                "its ICMPv6 is not meant for the link alone"
            );
            check_discovery(message)?;
            (Kind::NeighbourDiscovery, 0)
        }
        _ => bail!("its protocol is neither UDP nor ICMPv6"),
    };
    Ok((kind, 40 + length, sealed))
}

/// Solicitations and advertisements with the card's address at most (RFC 4861, section 4).
fn check_discovery(message: &[u8]) -> Result<()> {
    let Some((&[kind, code, _, _, flags, zero_1, zero_2, zero_3], rest)) =
        message.split_first_chunk()
    else {
        bail!("its ICMPv6 ends within the header");
    };
    ensure!(
        (code, zero_1, zero_2, zero_3) == (0, 0, 0, 0),
        "its reserved fields are used"
    );
    let (body, allowed_flags, option) = match kind {
        133 => (0, 0, 1),
        135 => (16, 0, 1),
        136 => (16, 0xe0, 2),
        _ => bail!("ICMPv6 {kind} has no business here"),
    };
    ensure!(flags & !allowed_flags == 0, "its reserved fields are used");
    match rest.get(body..) {
        Some([]) => Ok(()),
        Some([kind, 1, mac @ ..]) if *kind == option && mac == MAC => Ok(()),
        _ => bail!("it tells more than where the card is"),
    }
}

fn of_udp(message: &[u8]) -> Result<(Kind, usize)> {
    let Some((&[s0, s1, d0, d1, l0, l1, _, _], payload)) = message.split_first_chunk() else {
        bail!("it ends within a header");
    };
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    ensure!(length == message.len(), "its UDP length is not true");
    match (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1])) {
        (68, 67) => {
            check_dhcp(payload)?;
            Ok((Kind::Dhcp, 0))
        }
        (546, 547) => {
            check_dhcp6(payload)?;
            Ok((Kind::Dhcp6, 0))
        }
        (_, port) => match sealed(payload) {
            Some(sealed) => Ok((Kind::Tunnel, sealed)),
            None => Ok((Kind::UdpTo(port), 0)),
        },
    }
}

/// How much of the end of a WireGuard message is ciphertext, or looks like it: keys, cookies, tags. Nothing else has the form of one.
fn sealed(payload: &[u8]) -> Option<usize> {
    let (&[kind, 0, 0, 0], rest) = payload.split_first_chunk()? else {
        return None;
    };
    match (kind, payload.len()) {
        // After the sender's index; after both indexes; after the receiver's index.
        (1, 148) => Some(140),
        (2, 92) => Some(80),
        (3, 64) => Some(56),
        // After the receiver's index and a counter, which nobody counts so high that its upper bytes are needed.
        (4, length @ 32..) if rest.get(9..12) == Some(&[0; 3]) => Some(length - 16),
        _ => None,
    }
}

/// A client's message with the options that it needs (RFC 2131, section 2, and table 5; RFC 2132).
fn check_dhcp(message: &[u8]) -> Result<()> {
    const MAGIC: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
    let Some((fixed, options)) = message.split_at_checked(240) else {
        bail!("its DHCP message ends within the header");
    };
    ensure!(fixed[..4] == [1, 1, 6, 0], "it is no client's DHCP message");
    ensure!(fixed[28..34] == MAC, "its DHCP message is for another card");
    let names = &fixed[34..236];
    ensure!(
        names.iter().all(|byte| *byte == 0),
        "its DHCP message names something"
    );
    ensure!(fixed[236..] == MAGIC, "it is no DHCP message");
    let mut rest = options;
    loop {
        rest = match rest {
            // The end, and zeroes behind it.
            [255, padding @ ..] if padding.iter().all(|byte| *byte == 0) => return Ok(()),
            [kind, length, behind @ ..] => {
                let Some((value, behind)) = behind.split_at_checked(usize::from(*length)) else {
                    bail!("its DHCP options end early");
                };
                ensure!(
                    is_needed(*kind, value),
                    "its DHCP option {kind} tells too much"
                );
                behind
            }
            _ => bail!("its DHCP options have no end"),
        };
    }
}

/// Whether a client has to say that.
fn is_needed(option: u8, value: &[u8]) -> bool {
    match option {
        // The address wanted, and the server that is meant.
        50 | 54 => value.len() == 4,
        // The lease time, the largest message, the kind of message.
        51 => value.len() == 4,
        57 => value.len() == 2,
        53 => value.len() == 1,
        // What the client wants to know: mask, router, name servers, lease times.
        55 => value
            .iter()
            .all(|wanted| matches!(wanted, 1 | 3 | 6 | 51 | 58 | 59)),
        // The client is its card.
        61 => value == [&[1], &MAC[..]].concat(),
        _ => false,
    }
}

/// A client's message with the options that it needs (RFC 8415, sections 8 and 18.2).
fn check_dhcp6(message: &[u8]) -> Result<()> {
    // Solicit, Request, Renew, Rebind, and the number of the transaction.
    let Some((&[1 | 3 | 5 | 6, _, _, _], mut rest)) = message.split_first_chunk() else {
        bail!("it is no client's DHCPv6 message");
    };
    while let Some((&[high, kind, 0, length], behind)) = rest.split_first_chunk() {
        let Some((value, behind)) = behind.split_at_checked(usize::from(length)) else {
            bail!("its DHCPv6 options end early");
        };
        ensure!(
            high == 0 && is_needed_6(kind, value),
            "its DHCPv6 option {kind} tells too much"
        );
        rest = behind;
    }
    ensure!(
        rest.is_empty(),
        "there is something behind its DHCPv6 options"
    );
    Ok(())
}

/// Whether a client has to say that.
fn is_needed_6(option: u8, value: &[u8]) -> bool {
    match (option, value) {
        // The client is its card, the server is the one of these networks.
        (1, _) => value == [&[0, 3, 0, 1], &MAC[..]].concat(),
        (2, _) => value == SERVER_6,
        // Its association, without times of its own, about no address or the one that it was given.
        (3, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, address @ ..]) => match address {
            [] => true,
            [0, 5, 0, 24, _, ..] => address.len() == 28 && address[20..] == [0; 8],
            _ => false,
        },
        // What it wants to know: how rarely it may ask. How long it asks already.
        (6, _) => value == [0, 82],
        (8, _) => value.len() == 2,
        // The server may give at once.
        (14, _) => value.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: [u8; 2], rest: &[u8]) -> Vec<u8> {
        [&[0xff; 6], &MAC[..], &kind, rest].concat()
    }

    fn ipv4(protocol: u8, message: &[u8]) -> Vec<u8> {
        let length = u16::try_from(20 + message.len())
            .expect("short")
            .to_be_bytes();
        let mut packet = vec![0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, protocol];
        packet.resize(20, 7);
        packet.extend(message);
        frame([8, 0], &packet)
    }

    fn ipv6(next: u8, message: &[u8]) -> Vec<u8> {
        let length = u16::try_from(message.len()).expect("short").to_be_bytes();
        let mut packet = vec![0x60, 0, 0, 0, length[0], length[1], next, 255];
        packet.resize(40, 7);
        packet.extend(message);
        frame([0x86, 0xdd], &packet)
    }

    fn udp(ports: [u8; 4], payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(8 + payload.len())
            .expect("short")
            .to_be_bytes();
        [&ports[..], &length, &[1, 2], payload].concat()
    }

    fn arp() -> Vec<u8> {
        let mut message = vec![0, 1, 8, 0, 6, 4, 0, 1];
        message.extend(MAC);
        message.resize(28, 9);
        frame([8, 6], &message)
    }

    fn data(counter: u64, length: usize) -> Vec<u8> {
        let mut message = vec![4, 0, 0, 0, 1, 2, 3, 4];
        message.extend(counter.to_le_bytes());
        message.resize(length, 0xc0);
        message
    }

    fn dhcp(options: &[u8]) -> Vec<u8> {
        let mut message = vec![1, 1, 6, 0];
        message.resize(28, 3);
        message.extend(MAC);
        message.resize(236, 0);
        message.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 1]);
        message.extend(options);
        ipv4(17, &udp([0, 68, 0, 67], &message))
    }

    fn kind(frame: &[u8]) -> Option<Kind> {
        of(frame).ok().map(|known| known.kind)
    }

    #[test]
    fn arp_carries_nothing_else() {
        assert_eq!(kind(&arp()), Some(Kind::Arp));
        let mut filled_up = arp();
        filled_up.resize(SHORTEST, 0);
        assert_eq!(kind(&filled_up), Some(Kind::Arp));
        let hidden = [arp(), b"plaintext".to_vec()].concat();
        let mut filled_with_more = filled_up.clone();
        filled_with_more[59] = 1;
        let mut of_the_guest = arp();
        of_the_guest[22] ^= 1;
        for leak in [hidden, filled_with_more, of_the_guest, arp()[..30].to_vec()] {
            assert_eq!(kind(&leak), None, "{leak:02x?}");
        }
        let mut sender = arp();
        sender[6..12].copy_from_slice(&[2, 0x53, 0x4b, 0, 0, 2]);
        assert_eq!(kind(&sender), None);
    }

    #[test]
    fn the_tunnels_messages_are_known_by_their_forms() {
        let ports = [0xca, 0x6c, 0x12, 0x34];
        for (kind_of_message, length) in [(1, 148), (2, 92), (3, 64)] {
            let mut message = vec![kind_of_message, 0, 0, 0];
            message.resize(length, 0xab);
            for whole in [
                ipv4(17, &udp(ports, &message)),
                ipv6(17, &udp(ports, &message)),
            ] {
                assert_eq!(kind(&whole), Some(Kind::Tunnel));
            }
            message.push(0);
            assert_eq!(
                kind(&ipv4(17, &udp(ports, &message))),
                Some(Kind::UdpTo(0x1234))
            );
        }
        let whole = ipv4(17, &udp(ports, &data(77, 112)));
        let known = of(&whole).expect("a message");
        assert_eq!((known.kind, known.sealed.len()), (Kind::Tunnel, 96));
        assert_eq!(known.readable.len() + known.sealed.len(), whole.len());
        let too_short = ipv4(17, &udp(ports, &data(77, 31)));
        let no_counter = ipv4(17, &udp(ports, &data(u64::MAX, 112)));
        for other in [too_short, no_counter] {
            assert_eq!(kind(&other), Some(Kind::UdpTo(0x1234)));
        }
    }

    #[test]
    fn other_packets_are_of_no_kind() {
        let message = udp([0, 9, 0, 53], b"plaintext");
        assert_eq!(kind(&ipv4(17, &message)), Some(Kind::UdpTo(53)));
        for leak in [
            ipv4(1, &message),
            ipv4(6, &message),
            ipv6(6, &message),
            ipv6(58, &message),
            frame([0x81, 0], &message),
            frame([0x88, 0xcc], &message),
            frame([0, 60], &message),
            [ipv4(17, &message), vec![1]].concat(),
            ipv4(17, &message[..16]),
            frame([8, 0], b"E"),
            MAC.to_vec(),
        ] {
            assert_eq!(kind(&leak), None, "{leak:02x?}");
        }
        let mut part = ipv4(17, &message);
        part[20] = 0x20;
        let mut with_options = ipv4(17, &message);
        with_options[14] = 0x46;
        assert_eq!((kind(&part), kind(&with_options)), (None, None));
    }

    #[test]
    fn dhcp_says_nothing_of_the_guest() {
        let client = [&[61, 7, 1], &MAC[..], &[255]].concat();
        assert_eq!(kind(&dhcp(&[55, 3, 1, 3, 6, 255, 0])), Some(Kind::Dhcp));
        assert_eq!(kind(&dhcp(&client)), Some(Kind::Dhcp));
        let host_name = dhcp(&[12, 5, b'g', b'u', b'e', b's', b't', 255]);
        let vendor = dhcp(&[60, 1, b'x', 255]);
        let other_client = dhcp(&[61, 7, 1, 2, 0x53, 0x4b, 0, 0, 2, 255]);
        let behind_the_end = dhcp(&[255, b'x']);
        let without_end = dhcp(&[]);
        let mut named = dhcp(&[255]);
        named[14 + 28 + 44] = b'g';
        for leak in [
            host_name,
            vendor,
            other_client,
            behind_the_end,
            without_end,
            named,
        ] {
            assert_eq!(kind(&leak), None);
        }
    }

    #[test]
    fn dhcpv6_says_nothing_of_the_guest() {
        let message = |options: &[&[u8]]| {
            let message = [&[1, 7, 7, 7][..], &options.concat()].concat();
            ipv6(17, &udp([2, 34, 2, 35], &message))
        };
        let client = [&[0, 1, 0, 10, 0, 3, 0, 1], &MAC[..]].concat();
        let server = [&[0, 2, 0, 10], &SERVER_6[..]].concat();
        let nothing = [&[0, 3, 0, 12, 0, 0, 0, 1][..], &[0; 8]].concat();
        let address = [
            &[0, 3, 0, 40, 0, 0, 0, 1][..],
            &[0; 8],
            &[0, 5, 0, 24],
            &[0x20; 16],
            &[0; 8],
        ]
        .concat();
        let others = [0, 14, 0, 0, 0, 8, 0, 2, 1, 2, 0, 6, 0, 2, 0, 82];
        for honest in [
            message(&[&client, &others, &nothing]),
            message(&[&client, &server, &others[4..], &address]),
        ] {
            assert_eq!(kind(&honest), Some(Kind::Dhcp6));
        }
        let mut with_times = nothing.clone();
        with_times[9] = 1;
        let mut of_the_guest = client.clone();
        of_the_guest[13] ^= 1;
        let mut lifetimes = address.clone();
        lifetimes[43] = 1;
        for leak in [
            &with_times,
            &of_the_guest,
            &lifetimes,
            // A name, a vendor, another association, a place among the options.
            &[0, 39, 0, 6, 0, 5, b'g', b'u', b'e', b's'][..],
            &[0, 16, 0, 4, 0, 0, 0, 1],
            &[0, 3, 0, 12, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0],
            b"g",
            &[1, 14, 0, 0],
            &[0, 2, 0, 3, 0, 2, b'g'],
        ] {
            assert_eq!(kind(&message(&[&others, leak])), None, "{leak:02x?}");
        }
    }

    #[test]
    fn neighbour_discovery_says_where_the_card_is() {
        let question = [&[135, 0, 1, 2, 0, 0, 0, 0][..], &[0xfe; 16], &[1, 1], &MAC].concat();
        let answer = [
            &[136, 0, 1, 2, 0x60, 0, 0, 0][..],
            &[0xfe; 16],
            &[2, 1],
            &MAC,
        ]
        .concat();
        for honest in [&question, &answer, &[133, 0, 1, 2, 0, 0, 0, 0].to_vec()] {
            assert_eq!(kind(&ipv6(58, honest)), Some(Kind::NeighbourDiscovery));
        }
        let echo = [&[128, 0, 1, 2, 0, 0, 0, 0][..], b"plaintext"].concat();
        let other = [&question[..24], &[1, 1, 2, 0x53, 0x4b, 0, 0, 2]].concat();
        let more = [question, vec![14, 1, 0, 0, 0, 0, 0, 0]].concat();
        for leak in [echo, other, more] {
            assert_eq!(kind(&ipv6(58, &leak)), None);
        }
    }
}
