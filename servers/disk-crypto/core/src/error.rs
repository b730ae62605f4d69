//! What can go wrong, one enum for each boundary.

use core::fmt;

use crate::device::DeviceError;
use crate::header::HeaderError;

/// Why a request on an open volume was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The device failed at this request.
    Device,
    /// The device failed earlier at a point after which writes cannot be kept safe; reads go on.
    ReadOnly,
    /// The request reaches beyond the volume.
    OutOfRange,
    /// The data on the disk is not what was last written to this block.
    TamperedBlock(u64),
    /// A node of the tree that covers this block is not what was last written.
    TamperedNode {
        /// Levels above the data blocks: 1 is a leaf.
        level: u8,
        /// The node's number within its level.
        index: u64,
    },
}

impl From<DeviceError> for Error {
    fn from(_: DeviceError) -> Self {
        Self::Device
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device => write!(f, "the device failed"),
            Self::ReadOnly => write!(
                f,
                "the device failed before, so the volume takes no more writes"
            ),
            Self::OutOfRange => write!(f, "the request reaches beyond the volume"),
            Self::TamperedBlock(block) => {
                write!(
                    f,
                    "block {block} is not what was last written to it: refused"
                )
            }
            Self::TamperedNode { level, index } => write!(
                f,
                "metadata node {index} of level {level} is not what was last written: the blocks under it are refused"
            ),
        }
    }
}

impl core::error::Error for Error {}

/// Why a volume was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The device failed.
    Device,
    /// Neither copy of the header can be used; what is wrong with the first.
    NoHeader(HeaderError),
    /// The device is smaller than the header says.
    DeviceTooSmall {
        /// Blocks that the volume needs.
        needed: u64,
        /// Blocks that the device has.
        found: u64,
    },
    /// No key slot opens with this passphrase.
    WrongPassphrase,
    /// A key slot asks for more working memory for its key derivation than there is, in KiB.
    TooLittleMemory {
        /// KiB that the slot asks for.
        needed_kib: u32,
        /// KiB that there are.
        found_kib: u32,
    },
    /// The header was changed by someone who does not hold the key.
    ForgedHeader,
    /// Neither copy of the root record is genuine.
    NoRoot,
    /// The log on the disk is not the one that the root record speaks of.
    ForgedLog,
    /// A tree node that the log needs is damaged.
    Tree(Error),
}

impl From<DeviceError> for OpenError {
    fn from(_: DeviceError) -> Self {
        Self::Device
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device => write!(f, "the device failed"),
            Self::NoHeader(HeaderError::NotAVolume) => write!(f, "this is not a Sekisho volume"),
            Self::NoHeader(error) => write!(f, "neither copy of the header can be used: {error}"),
            Self::DeviceTooSmall { needed, found } => write!(
                f,
                "the disk has {found} blocks of 4 KiB, but the volume's header says {needed}: the disk was cut short"
            ),
            Self::WrongPassphrase => write!(f, "no key slot opens with this passphrase"),
            Self::TooLittleMemory {
                needed_kib,
                found_kib,
            } => write!(
                f,
                "a key slot needs {needed_kib} KiB of working memory, and there are {found_kib} KiB"
            ),
            Self::ForgedHeader => write!(
                f,
                "the header was changed without the volume's key: refused"
            ),
            Self::NoRoot => write!(f, "neither copy of the root record is genuine: refused"),
            Self::ForgedLog => write!(
                f,
                "the log is not the one that the root records speak of: refused"
            ),
            Self::Tree(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for OpenError {}
