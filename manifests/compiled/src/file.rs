//! Files of the boot archive.

use alloc::string::String;

use serde::{Deserialize, Serialize};

/// An entry of the boot archive that the system uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its name in the archive.
    pub name: String,
    /// Its length in the archive in bytes, a multiple of 4 KiB.
    pub length: u64,
    /// SHA-256 of these bytes, so that the manifest's own hash stands for the whole system.
    pub sha256: [u8; 32],
}
