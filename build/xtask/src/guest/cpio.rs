//! The archive format of initramfs: cpio "newc".
//!
//! Source: the kernel's `Documentation/driver-api/early-userspace/buffer-format.rst`. Archives may
//! stand one after the other; later files replace earlier ones.

use anyhow::{Context, Result};

const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

/// What a file may be used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Read by all, written by root.
    Data,
    /// The same, and run by all.
    Program,
}

impl Mode {
    fn bits(self) -> u32 {
        match self {
            Mode::Data => 0o644,
            Mode::Program => 0o755,
        }
    }
}

/// An archive in the making.
#[derive(Default)]
pub(crate) struct Cpio {
    bytes: Vec<u8>,
    entries: u32,
}

impl Cpio {
    /// Adds a folder; its parent must have been added before.
    pub(crate) fn folder(&mut self, path: &str) -> Result<()> {
        self.entry(path, FOLDER | 0o755, &[])
    }

    /// Adds a file.
    pub(crate) fn file(&mut self, path: &str, mode: Mode, contents: &[u8]) -> Result<()> {
        self.entry(path, FILE | mode.bits(), contents)
    }

    /// Adds a symbolic link to `target`.
    pub(crate) fn symlink(&mut self, path: &str, target: &str) -> Result<()> {
        self.entry(path, SYMLINK | 0o777, target.as_bytes())
    }

    /// Closes the archive.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>> {
        self.entry("TRAILER!!!", 0, &[])?;
        Ok(self.bytes)
    }

    fn entry(&mut self, path: &str, mode: u32, contents: &[u8]) -> Result<()> {
        self.entries += 1;
        let size = u32::try_from(contents.len())
            .with_context(|| format!("{path} is too large for an initramfs"))?;
        let name_size = u32::try_from(path.len() + 1)
            .with_context(|| format!("{path} is too long a name for an initramfs"))?;
        // inode, mode, uid, gid, links, mtime, size, device, rdevice (each major and minor),
        // name size, checksum. Owner root, time 0: the same files give the same bytes.
        let fields = [
            self.entries,
            mode,
            0,
            0,
            1,
            0,
            size,
            0,
            0,
            0,
            0,
            name_size,
            0,
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(contents);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_newc() {
        let mut cpio = Cpio::default();
        cpio.file("etc/a", Mode::Program, b"hello")
            .expect("it is small");
        let bytes = cpio.finish().expect("it is small");
        assert_eq!(&bytes[..6], b"070701");
        assert_eq!(&bytes[14..22], b"000081ed");
        assert_eq!(&bytes[54..62], b"00000005");
        assert_eq!(&bytes[94..102], b"00000006");
        assert_eq!(&bytes[110..116], b"etc/a\0");
        assert_eq!(&bytes[116..121], b"hello");
        assert_eq!(&bytes[124..130], b"070701");
        assert!(bytes.windows(11).any(|window| window == b"TRAILER!!!\0"));
        assert_eq!(bytes.len() % 4, 0);
    }
}
