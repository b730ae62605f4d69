//! What may be seen on the wire, and what was.

use std::net::IpAddr;

use anyhow::{Result, bail};
use serde::Deserialize;

use super::capture::{Captured, Direction};
use super::kind::{Kind, Known};
use super::pieces;
use crate::qemu::find;

/// Bytes before the addresses of an IPv4 packet, and of an IPv6 packet.
const BEFORE_ADDRESSES: [(usize, usize); 2] = [(4, 12), (16, 8)];
/// More findings than these tell nothing new.
const MOST_FINDINGS: usize = 10;

/// What may be seen on the wire.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Wire {
    /// The kinds of frames that the machine sends: nothing else, and some of each.
    only: Vec<Kind>,
    /// Addresses of the inside, of IP or Ethernet, which no frame of the machine's shows.
    #[serde(default)]
    inside: Vec<Address>,
    /// Texts that are in no frame, whoever sent it.
    #[serde(default)]
    must_not_contain: Vec<String>,
}

/// An address as it stands in frames.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(try_from = "String")]
struct Address {
    text: String,
    bytes: Vec<u8>,
}

impl TryFrom<String> for Address {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Address> {
        let bytes = match text.parse() {
            Ok(IpAddr::V4(address)) => address.octets().to_vec(),
            Ok(IpAddr::V6(address)) => address.octets().to_vec(),
            Err(_) => {
                let pairs = text.split(':').map(|pair| u8::from_str_radix(pair, 16));
                let Ok(bytes) = pairs.collect::<Result<Vec<_>, _>>() else {
                    bail!("{text:?} is no address");
                };
                bytes
            }
        };
        Ok(Address { text, bytes })
    }
}

impl Address {
    /// Whether the frame shows it. In ciphertext the few bytes of an IPv4 address are found by chance, so they are
    /// looked for where a packet would have them.
    fn is_shown_by(&self, frame: &Known<'_>) -> bool {
        let is_in = |bytes| find(bytes, &self.bytes).is_some();
        let size = self.bytes.len();
        let is_an_end = |(_, before): &(usize, usize)| {
            let ends = frame.sealed.get(*before..before + 2 * size);
            ends.is_some_and(|ends| ends.chunks(size).any(|end| end == self.bytes))
        };
        let mut layouts = BEFORE_ADDRESSES
            .iter()
            .filter(|(length, _)| *length == size);
        is_in(frame.readable) || size > 4 && is_in(frame.sealed) || layouts.any(is_an_end)
    }
}

impl Wire {
    /// What is wrong with the frames that went over the wire.
    pub(super) fn findings(&self, frames: &[Captured]) -> Vec<String> {
        let mut findings = Vec::new();
        let mut sent = Vec::new();
        let of_machine = |frame: &&Captured| frame.direction == Direction::FromMachine;
        let of_machine = frames.iter().filter(of_machine);
        let packets = pieces::join(of_machine.map(|frame| &frame.bytes[..]));
        for packet in &packets {
            match packet.kind() {
                Ok(known) if self.only.contains(&known.kind) => sent.push(known),
                Ok(known) => findings.push(told(&format!("is {:?}", known.kind), packet.bytes())),
                Err(reason) => findings.push(told(&reason.to_string(), packet.bytes())),
            }
        }
        for address in &self.inside {
            if let Some(frame) = sent.iter().find(|frame| address.is_shown_by(frame)) {
                let text = &address.text;
                findings.push(format!("{text} of the inside is in a frame: {frame:02x?}"));
            }
        }
        for wanted in &self.only {
            if !sent.iter().any(|frame| frame.kind == *wanted) {
                findings.push(format!("no frame on the wire was {wanted:?}"));
            }
        }
        for text in &self.must_not_contain {
            let holds = |frame: &Captured| find(&frame.bytes, text.as_bytes()).is_some();
            if frames.iter().any(holds) {
                findings.push(format!("{text:?} is on the wire"));
            }
        }
        // One frame too many is as bad as a hundred.
        findings.truncate(MOST_FINDINGS);
        findings
    }
}

fn told(reason: &str, bytes: &[u8]) -> String {
    format!("a frame that should not be, {reason}: {bytes:02x?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qemu::MAC;

    fn sent(protocol: [u8; 2], rest: &[u8]) -> Captured {
        Captured {
            direction: Direction::FromMachine,
            bytes: [&[0xff; 6], &MAC[..], &protocol, rest].concat(),
        }
    }

    fn arp(asker: [u8; 4]) -> Captured {
        let rest = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &MAC, &asker, &[0; 10]].concat();
        sent([8, 6], &rest)
    }

    /// A datagram to port 8080.
    fn datagram(payload: &[u8]) -> Captured {
        let length = u8::try_from(payload.len()).expect("short");
        let header = [
            &[0x45, 0, 0, 28 + length, 0, 0, 0, 0, 64, 17, 0, 0][..],
            &[192; 8],
        ]
        .concat();
        let udp = [0, 9, 0x1f, 0x90, 0, 8 + length, 0, 0];
        sent([8, 0], &[&header[..], &udp, payload].concat())
    }

    fn findings(wire: &str, frames: &[Captured]) -> Vec<String> {
        let wire: Wire = toml::from_str(wire).expect("legal");
        wire.findings(frames)
    }

    #[test]
    fn frames_of_other_kinds_are_found_and_missed_ones_too() {
        let frames = [arp([192, 0, 2, 9]), datagram(b"secret")];
        let both = "only = ['arp', 'udp to 8080']";
        assert_eq!(findings(both, &frames), Vec::<String>::new());
        assert_eq!(findings("only = ['arp']", &frames).len(), 1);
        assert_eq!(
            findings(both, &frames[..1]),
            ["no frame on the wire was UdpTo(8080)"]
        );
        assert_eq!(findings("only = []", &[sent([0x88, 0xcc], b"")]).len(), 1);
        // What others send is theirs, whatever it is.
        let mut others = sent([0x88, 0xcc], b"");
        others.direction = Direction::ToMachine;
        assert_eq!(findings("only = []", &[others]), Vec::<String>::new());
    }

    #[test]
    fn texts_are_found_whoever_sent_them() {
        let mut frames = [datagram(b"the secret")];
        let wire = "only = []\nmust-not-contain = ['secret']";
        frames[0].direction = Direction::ToMachine;
        assert_eq!(findings(wire, &frames), ["\"secret\" is on the wire"]);
    }

    #[test]
    fn addresses_of_the_inside_are_found_in_any_header() {
        let inside = |address: &str| format!("only = ['arp']\ninside = ['{address}']");
        let frames = [arp([10, 66, 0, 2])];
        assert_eq!(findings(&inside("10.66.0.2"), &frames).len(), 1);
        assert_eq!(
            findings(&inside("10.66.0.3"), &frames),
            Vec::<String>::new()
        );
        assert_eq!(findings(&inside("52:54:00:12:34:56"), &frames).len(), 1);
        assert!(toml::from_str::<Wire>(&inside("guest")).is_err());
    }

    #[test]
    fn a_packet_in_the_clear_is_no_ciphertext() {
        // What a tunnel without a cipher would send.
        let (guest, peer) = ([10, 66, 0, 2], [10, 66, 0, 1]);
        let header = [&[4, 0, 0, 0, 1, 2, 3, 4][..], &[0; 8]].concat();
        let packet = [
            &[0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0][..],
            &guest,
            &peer,
            &[0; 20],
        ]
        .concat();
        let leak = [datagram(&[header.clone(), packet].concat())];
        let wire = |inside: &str| format!("only = ['tunnel']\ninside = [{inside}]");
        assert_eq!(findings(&wire("'10.66.0.2'"), &leak).len(), 1);
        assert_eq!(findings(&wire("'10.66.0.1'"), &leak).len(), 1);
        // The same four bytes elsewhere in ciphertext are chance; sixteen are not.
        let chance = [datagram(
            &[&header[..], &[0; 21], &guest, &[0; 20]].concat(),
        )];
        assert_eq!(
            findings(&wire("'10.66.0.2'"), &chance),
            Vec::<String>::new()
        );
        let long = [datagram(&[&header[..], &[0; 21], &[0xfd; 16]].concat())];
        let address = "'fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd'";
        assert_eq!(findings(&wire(address), &long).len(), 1);
    }

    #[test]
    fn kinds_have_names() {
        assert!(toml::from_str::<Wire>("only = ['tcp']").is_err());
        assert!(toml::from_str::<Wire>("only = ['udp to nine']").is_err());
    }
}
