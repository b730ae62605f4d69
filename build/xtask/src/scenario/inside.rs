//! What a peer sees inside its tunnel, and what it must not see.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::capture;
use crate::qemu::find;

/// What a peer may see inside its tunnel, and does see.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Inside {
    /// The addresses from which packets come, in either direction: no others, and each of these.
    sources: BTreeSet<IpAddr>,
    /// Texts that are in some packet.
    #[serde(default)]
    contains: Vec<String>,
    /// Texts that are in none.
    #[serde(default)]
    must_not_contain: Vec<String>,
}

/// The file into which the peer of this folder writes what it sees inside.
pub(super) fn capture(peer: &Path) -> PathBuf {
    peer.join("inside.pcap")
}

impl Inside {
    /// What is wrong with the packets in a capture.
    pub(super) fn findings(&self, capture: &Path) -> Result<Vec<String>> {
        let bytes =
            fs::read(capture).with_context(|| format!("{} cannot be read", capture.display()))?;
        Ok(self.judge(&capture::frames(&bytes)?))
    }

    fn judge(&self, packets: &[&[u8]]) -> Vec<String> {
        let mut findings = Vec::new();
        let mut seen = BTreeSet::new();
        for packet in packets {
            match source(packet) {
                Some(source) => drop(seen.insert(source)),
                None => findings.push(format!("this is no IP packet: {packet:02x?}")),
            }
        }
        for address in seen.difference(&self.sources) {
            findings.push(format!("a packet comes from {address}"));
        }
        for address in self.sources.difference(&seen) {
            findings.push(format!("no packet comes from {address}"));
        }
        let is_there = |text: &String| {
            let holds = |packet: &&[u8]| find(packet, text.as_bytes()).is_some();
            packets.iter().any(holds)
        };
        for text in self.contains.iter().filter(|text| !is_there(text)) {
            findings.push(format!("no packet contains {text:?}"));
        }
        for text in self.must_not_contain.iter().filter(|text| is_there(text)) {
            findings.push(format!("a packet contains {text:?}"));
        }
        // One packet too many is as bad as a hundred.
        findings.truncate(10);
        findings
    }
}

/// Where an IP packet says that it comes from.
fn source(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => Some(Ipv4Addr::from(*packet.get(12..)?.first_chunk::<4>()?).into()),
        6 => Some(Ipv6Addr::from(*packet.get(8..)?.first_chunk::<16>()?).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(source: [u8; 4], payload: &[u8]) -> Vec<u8> {
        let header = [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0];
        [&header[..], &source, &[10, 66, 0, 1], payload].concat()
    }

    fn findings(inside: &str, packets: &[&[u8]]) -> Vec<String> {
        let inside: Inside = toml::from_str(inside).expect("legal");
        inside.judge(packets)
    }

    #[test]
    fn every_source_and_every_text_counts() {
        let own = packet([10, 66, 0, 2], b"office");
        let other = packet([10, 66, 1, 2], b"internet");
        let own_only =
            "sources = ['10.66.0.2']\ncontains = ['office']\nmust-not-contain = ['internet']";
        assert_eq!(findings(own_only, &[&own]), Vec::<String>::new());
        assert_eq!(
            findings(own_only, &[&own, &other]),
            [
                "a packet comes from 10.66.1.2",
                "a packet contains \"internet\""
            ]
        );
        assert_eq!(
            findings(own_only, &[]),
            [
                "no packet comes from 10.66.0.2",
                "no packet contains \"office\""
            ]
        );
        assert_eq!(findings("sources = []", &[b"noise"]).len(), 1);
    }

    #[test]
    fn sources_of_ipv6_count_too() {
        let mut packet = vec![0x60, 0, 0, 0, 0, 0, 58, 64];
        packet.extend([0xfd; 16]);
        assert_eq!(source(&packet), Some(Ipv6Addr::from([0xfd; 16]).into()));
        assert_eq!(source(&packet[..23]), None);
    }
}
