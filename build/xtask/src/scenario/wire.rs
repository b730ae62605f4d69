//! What may be seen on the wire, and what was.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::qemu::{MAC, find};

/// What may be seen on the wire.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Wire {
    /// The kinds of frames that the machine sends: nothing else, and some of each.
    only: Vec<Kind>,
    /// Texts that are in no frame, whoever sent it.
    #[serde(default)]
    must_not_contain: Vec<String>,
}

/// A kind of frame.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(try_from = "String")]
pub(crate) enum Kind {
    /// ARP.
    Arp,
    /// A client's messages to a DHCP server.
    Dhcp,
    /// ICMPv6 of neighbour discovery: solicitations and advertisements of neighbours, solicitations of routers.
    NeighbourDiscovery,
    /// Messages of WireGuard, to whatever port (whitepaper, section 5.4: a kind from 1 to 4, and three zeroes).
    Tunnel,
    /// Other datagrams to that port.
    UdpTo(u16),
}

impl TryFrom<String> for Kind {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Kind> {
        Ok(match text.as_str() {
            "arp" => Kind::Arp,
            "dhcp" => Kind::Dhcp,
            "neighbour-discovery" => Kind::NeighbourDiscovery,
            "tunnel" => Kind::Tunnel,
            other => match other.strip_prefix("udp to ") {
                Some(port) => Kind::UdpTo(port.parse()?),
                None => bail!("no kind of frame is called {other:?}"),
            },
        })
    }
}

impl Wire {
    /// What is wrong with the frames in a capture.
    pub(super) fn findings(&self, capture: &Path) -> Result<Vec<String>> {
        let bytes =
            fs::read(capture).with_context(|| format!("{} cannot be read", capture.display()))?;
        Ok(self.judge(&frames(&bytes)?))
    }

    fn judge(&self, frames: &[&[u8]]) -> Vec<String> {
        let mut findings = Vec::new();
        let sent = frames.iter().filter(|frame| frame.get(6..12) == Some(&MAC));
        let kinds: Vec<_> = sent.map(|frame| (kind(frame), *frame)).collect();
        for (kind, frame) in &kinds {
            if kind.is_none_or(|kind| !self.only.contains(&kind)) {
                findings.push(format!("a frame that should not be: {frame:02x?}"));
            }
        }
        for wanted in &self.only {
            if !kinds.iter().any(|(kind, _)| *kind == Some(*wanted)) {
                findings.push(format!("no frame on the wire was {wanted:?}"));
            }
        }
        for text in &self.must_not_contain {
            if frames
                .iter()
                .any(|frame| find(frame, text.as_bytes()).is_some())
            {
                findings.push(format!("{text:?} is on the wire"));
            }
        }
        // One frame too many is as bad as a hundred.
        findings.truncate(10);
        findings
    }
}

/// The frames in a file of tcpdump's (draft-ietf-opsawg-pcap), as QEMU writes it.
pub(super) fn frames(bytes: &[u8]) -> Result<Vec<&[u8]>> {
    const HEADER: usize = 24;
    const MAGIC: [u8; 4] = 0xa1b2_c3d4u32.to_le_bytes();
    ensure!(
        bytes.starts_with(&MAGIC) && bytes.len() >= HEADER,
        "this is no capture"
    );
    let mut frames = Vec::new();
    let mut rest = &bytes[HEADER..];
    // Time in two words, the bytes that were kept, the frame's length.
    while let Some((head, behind)) = rest.split_first_chunk::<16>() {
        let kept = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
        let kept = usize::try_from(kept)?;
        // QEMU may end in the middle of a frame.
        let Some((frame, next)) = behind.split_at_checked(kept) else {
            break;
        };
        frames.push(frame);
        rest = next;
    }
    Ok(frames)
}

fn kind(frame: &[u8]) -> Option<Kind> {
    let ip = frame.get(14..)?;
    match frame.get(12..14)? {
        [0x08, 0x06] => Some(Kind::Arp),
        [0x08, 0x00] if ip.get(9) == Some(&17) => {
            let header = usize::from(ip.first()? & 0xf) * 4;
            udp_kind(ip.get(header..)?)
        }
        [0x86, 0xdd] => match ip.get(6)? {
            17 => udp_kind(ip.get(40..)?),
            58 => matches!(ip.get(40)?, 133 | 135 | 136).then_some(Kind::NeighbourDiscovery),
            _ => None,
        },
        _ => None,
    }
}

fn udp_kind(udp: &[u8]) -> Option<Kind> {
    let [s0, s1, d0, d1] = *udp.first_chunk()?;
    match (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1])) {
        (68, 67) => Some(Kind::Dhcp),
        _ if matches!(udp.get(8..12), Some([1..=4, 0, 0, 0])) => Some(Kind::Tunnel),
        (_, port) => Some(Kind::UdpTo(port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(frames: &[&[u8]]) -> Vec<u8> {
        let mut bytes = 0xa1b2_c3d4u32.to_le_bytes().to_vec();
        bytes.resize(24, 0);
        for frame in frames {
            let length = u32::try_from(frame.len()).expect("short").to_le_bytes();
            bytes.extend([[0; 4], [0; 4], length, length].concat());
            bytes.extend(*frame);
        }
        bytes
    }

    fn frame(kind: [u8; 2], rest: &[u8]) -> Vec<u8> {
        [&[0xff; 6], &MAC[..], &kind, rest].concat()
    }

    fn findings(wire: &str, frames: &[&[u8]]) -> Vec<String> {
        let wire: Wire = toml::from_str(wire).expect("legal");
        wire.judge(&super::frames(&capture(frames)).expect("a capture"))
    }

    #[test]
    fn frames_of_other_kinds_are_found_and_missed_ones_too() {
        let arp = frame([0x08, 0x06], b"who has");
        let mut udp = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17];
        udp.resize(20, 0);
        udp.extend([
            0, 9, 0x1f, 0x90, 0, 0, 0, 0, b's', b'e', b'c', b'r', b'e', b't',
        ]);
        let udp = frame([0x08, 0x00], &udp);
        let both = "only = ['arp', 'udp to 8080']";
        assert_eq!(findings(both, &[&arp, &udp]), Vec::<String>::new());
        assert_eq!(findings("only = ['arp']", &[&arp, &udp]).len(), 1);
        assert_eq!(
            findings(both, &[&arp]),
            ["no frame on the wire was UdpTo(8080)"]
        );
        let secret = "only = ['arp', 'udp to 8080']\nmust-not-contain = ['secret']";
        assert_eq!(
            findings(secret, &[&arp, &udp]),
            ["\"secret\" is on the wire"]
        );
        let mut tunnel = udp.clone();
        tunnel[42..46].copy_from_slice(&[4, 0, 0, 0]);
        assert_eq!(
            findings("only = ['tunnel']", &[&tunnel]),
            Vec::<String>::new()
        );
        assert_eq!(findings("only = ['tunnel']", &[&tunnel, &udp]).len(), 1);
        // What others send is theirs, whatever it is.
        let mut others = udp.clone();
        others[6] ^= 1;
        assert_eq!(
            findings("only = ['arp']", &[&arp, &others]),
            Vec::<String>::new()
        );
        assert_eq!(findings("only = []", &[&frame([0x88, 0xcc], b"")]).len(), 1);
    }

    #[test]
    fn kinds_have_names() {
        assert!(toml::from_str::<Wire>("only = ['tcp']").is_err());
        assert!(toml::from_str::<Wire>("only = ['udp to nine']").is_err());
    }
}
