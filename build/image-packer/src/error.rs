//! Why an image cannot be packed.

use std::fmt;

/// Why an image cannot be packed.
#[derive(Debug, PartialEq, Eq)]
pub enum PackError {
    /// An entry's name is empty, longer than the field, or holds a NUL.
    BadName(String),
    /// Two entries have the same name.
    DuplicateName(String),
    /// More entries than the header can count.
    TooManyEntries,
    /// The root server is not an ELF64 file of this machine.
    NotElf(String),
    /// The root server has no note that could say where the archive lies.
    NoArchiveNote,
}

impl fmt::Display for PackError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PackError::BadName(name) => {
                write!(
                    formatter,
                    "{name:?} cannot be the name of an archive entry (1 to 47 bytes, no NUL)"
                )
            }
            PackError::DuplicateName(name) => {
                write!(formatter, "the archive would hold {name:?} twice")
            }
            PackError::TooManyEntries => write!(formatter, "the archive has too many entries"),
            PackError::NotElf(why) => {
                write!(formatter, "the root server is no ELF64 file: {why}")
            }
            PackError::NoArchiveNote => write!(
                formatter,
                "the root server's ELF has no note \"Sekisho\" of type 1 with 16 bytes"
            ),
        }
    }
}

impl std::error::Error for PackError {}
