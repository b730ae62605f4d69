//! What passes inside the tunnel, written to a file as it passes.
//!
//! The format is tcpdump's (draft-ietf-opsawg-pcap, sections 4 and 5), its packets bare IP (`LINKTYPE_RAW`).

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};

const MAGIC: u32 = 0xa1b2_c3d4;
const VERSION: [u16; 2] = [2, 4];
/// Bytes of the longest packet.
const SNAP_LENGTH: u32 = 65_535;
const LINKTYPE_RAW: u32 = 101;

/// A file that packets are written to.
pub(crate) struct Capture(File);

impl Capture {
    /// Begins a new file.
    pub(crate) fn create(path: &Path) -> Result<Capture> {
        let begin = || -> io::Result<File> {
            let mut file = File::create(path)?;
            file.write_all(&header())?;
            Ok(file)
        };
        let file = begin().with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Capture(file))
    }

    /// Adds a packet. Each is one write: what is in the file is whole, whenever this process ends.
    pub(crate) fn write(&mut self, packet: &[u8]) -> io::Result<()> {
        // A clock before 1970 says nothing worth writing down.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default();
        // The format's seconds end in 2106.
        let seconds = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
        let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
        let mut record = Vec::with_capacity(16 + packet.len());
        for word in [seconds, now.subsec_micros(), length, length] {
            record.extend(word.to_le_bytes());
        }
        record.extend(packet);
        self.0.write_all(&record)
    }
}

fn header() -> Vec<u8> {
    let mut header = MAGIC.to_le_bytes().to_vec();
    header.extend(VERSION.into_iter().flat_map(u16::to_le_bytes));
    // Two words without a meaning today.
    for word in [0, 0, SNAP_LENGTH, LINKTYPE_RAW] {
        header.extend(word.to_le_bytes());
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_follow_a_header_each_behind_its_length() {
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("capture");
        let mut capture = Capture::create(&path).expect("it is made");
        capture.write(b"first").expect("there is room");
        capture.write(b"second one").expect("there is room");
        let bytes = std::fs::read(&path).expect("it is there");
        assert_eq!(bytes.len(), 24 + 16 + 5 + 16 + 10);
        assert_eq!(bytes[..8], [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
        assert_eq!(bytes[20..24], [101, 0, 0, 0]);
        assert_eq!(bytes[32..40], [5, 0, 0, 0, 5, 0, 0, 0]);
        assert_eq!(bytes[40..45], *b"first");
        assert!(bytes.ends_with(b"second one"));
    }
}
