//! Frames that went over a wire, and the files of tcpdump's in which they are kept (draft-ietf-opsawg-pcap).

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::outside::ROUTER_MAC;

const MAGIC: [u8; 4] = 0xa1b2_c3d4u32.to_le_bytes();
const HEADER_SIZE: usize = 24;

/// Version 2.4, whole frames, of Ethernet.
pub(super) const PCAP_HEADER: [u8; HEADER_SIZE] = [
    0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
];

/// How the Ethernet addresses of QEMU's own network begin: a router and a name server (libslirp), for IPv4 and IPv6.
const QEMUS: [[u8; 2]; 2] = [[0x52, 0x55], [0x52, 0x56]];

/// Which way a frame went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Direction {
    /// The machine sent it.
    FromMachine,
    /// Somebody else did.
    ToMachine,
}

/// A frame.
#[derive(Clone, Debug)]
pub(super) struct Captured {
    pub(super) direction: Direction,
    pub(super) bytes: Vec<u8>,
}

/// Reads what QEMU wrote of a network of its own.
pub(super) fn read(file: &Path) -> Result<Vec<Captured>> {
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    parse(&bytes)
}

/// The file does not say who sent a frame: all are the machine's that do not say they are QEMU's.
fn parse(bytes: &[u8]) -> Result<Vec<Captured>> {
    let captured = |frame: &[u8]| {
        let is_qemus = QEMUS.iter().any(|start| frame.get(6..8) == Some(start));
        Captured {
            direction: if is_qemus {
                Direction::ToMachine
            } else {
                Direction::FromMachine
            },
            bytes: frame.to_vec(),
        }
    };
    Ok(frames(bytes)?.into_iter().map(captured).collect())
}

/// The frames in such a file, or the packets.
pub(super) fn frames(bytes: &[u8]) -> Result<Vec<&[u8]>> {
    ensure!(
        bytes.starts_with(&MAGIC) && bytes.len() >= HEADER_SIZE,
        "this is no capture"
    );
    let mut frames = Vec::new();
    let mut rest = &bytes[HEADER_SIZE..];
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

/// A frame as it stands in such a file.
pub(super) fn pcap_record(time: Duration, frame: &[u8]) -> Vec<u8> {
    // The form is older than the year 2106, and frames are shorter than this.
    let seconds = u32::try_from(time.as_secs())
        .unwrap_or(u32::MAX)
        .to_le_bytes();
    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes();
    let microseconds = time.subsec_micros().to_le_bytes();
    [&seconds[..], &microseconds, &length, &length, frame].concat()
}

// Frames of the network outside would be known as others' in a file too.
const _: () = assert!(ROUTER_MAC[0] == QEMUS[0][0] && ROUTER_MAC[1] == QEMUS[0][1]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_as_they_are_written() {
        let theirs = [&[0xff; 6][..], &ROUTER_MAC, &[8, 6, 1]].concat();
        // A guest's own address on the wire would be a leak, and so it counts as the machine's.
        let leak = [&[0xff; 6][..], &[2, 0x53, 0x4b, 0, 0, 2], &[8, 6, 1]].concat();
        let mut bytes = PCAP_HEADER.to_vec();
        bytes.extend(pcap_record(Duration::from_micros(1_000_001), &theirs));
        bytes.extend(pcap_record(Duration::ZERO, &leak));
        bytes.extend([0; 20]);
        let frames = parse(&bytes).expect("a capture");
        let directions: Vec<_> = frames.iter().map(|frame| frame.direction).collect();
        assert_eq!(
            directions[..2],
            [Direction::ToMachine, Direction::FromMachine]
        );
        assert_eq!(frames[1].bytes, leak);
        assert!(parse(&bytes[1..]).is_err());
    }
}
