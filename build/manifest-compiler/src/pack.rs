//! What goes into the boot archive.

use sha2::{Digest, Sha256};

/// A file of the boot archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveEntry {
    /// Its name in the archive.
    pub name: String,
    /// Its bytes.
    pub contents: Vec<u8>,
    /// Whether it must start at a multiple of 2 MiB.
    pub large: bool,
}

impl ArchiveEntry {
    /// SHA-256 of the contents.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.contents).into()
    }
}
