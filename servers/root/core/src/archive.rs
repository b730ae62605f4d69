//! The boot archive: a table of names, then files.
//!
//! ```text
//! 0   "SKSHARC1"   u32 entry count   u32 zero
//! 16  entries of 64 bytes: name [u8; 48] NUL-padded, offset u64, length u64
//! ```

use alloc::{string::String, vec::Vec};

use compiled_manifest::File;

use crate::BuildError;

const MAGIC: &[u8; 8] = b"SKSHARC1";
const HEADER: usize = 16;
const ENTRY: usize = 64;
const NAME: usize = 48;

/// The archive's table.
#[derive(Debug)]
pub(crate) struct Archive {
    physical: u64,
    entries: Vec<Entry>,
}

/// A file of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Physical address of its first byte.
    pub(crate) physical: u64,
    pub(crate) length: u64,
}

/// Bytes of the table, told by the archive's first bytes.
pub(crate) fn table_length(header: &[u8; HEADER]) -> Result<usize, BuildError> {
    let (magic, rest) = header.split_first_chunk().ok_or(BuildError::BadArchive)?;
    let count = rest.first_chunk().map(|word| u32::from_le_bytes(*word));
    match count.map(usize::try_from) {
        Some(Ok(count)) if magic == MAGIC && count <= 1000 => Ok(HEADER + count * ENTRY),
        _ => Err(BuildError::BadArchive),
    }
}

impl Archive {
    /// Reads the table of an archive of `size` bytes at `physical`.
    pub(crate) fn read(table: &[u8], physical: u64, size: u64) -> Result<Self, BuildError> {
        let entries = table.get(HEADER..).unwrap_or_default();
        let entries = entries.as_chunks::<ENTRY>().0.iter();
        let entries = entries.map(|entry| read_entry(entry, physical, size));
        Ok(Self {
            physical,
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// The file `name`.
    pub(crate) fn entry(&self, name: &str) -> Result<&Entry, BuildError> {
        let found = self.entries.iter().find(|entry| entry.name == name);
        found.ok_or_else(|| BuildError::File(name.into()))
    }

    /// Physical addresses of the files that the manifest lists, which have the lengths that it says.
    pub(crate) fn places(&self, files: &[File]) -> Result<Vec<u64>, BuildError> {
        let places = files.iter().map(|file| {
            let entry = self.entry(&file.name)?;
            if entry.length == file.length {
                Ok(entry.physical)
            } else {
                Err(BuildError::File(file.name.clone()))
            }
        });
        places.collect()
    }

    /// Where the archive lies.
    pub(crate) fn physical(&self) -> u64 {
        self.physical
    }
}

fn read_entry(bytes: &[u8; ENTRY], physical: u64, size: u64) -> Result<Entry, BuildError> {
    let (name, numbers) = bytes.split_at(NAME);
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(NAME);
    let name = core::str::from_utf8(&name[..end]).map_err(|_| BuildError::BadArchive)?;
    let numbers = numbers.as_chunks::<8>().0;
    let [offset, length] = numbers else {
        return Err(BuildError::BadArchive);
    };
    let (offset, length) = (u64::from_le_bytes(*offset), u64::from_le_bytes(*length));
    match offset.checked_add(length) {
        Some(end) if end <= size && offset.is_multiple_of(4096) => Ok(Entry {
            name: name.into(),
            physical: physical + offset,
            length,
        }),
        _ => Err(BuildError::BadArchive),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, offset: u64, length: u64) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
        let mut field = [0; NAME];
        field[..name.len()].copy_from_slice(name.as_bytes());
        bytes.extend_from_slice(&field);
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes
    }

    #[test]
    fn files_are_found() {
        let bytes = table("system", 4096, 10);
        let header = bytes.first_chunk().expect("long enough");
        assert_eq!(table_length(header), Ok(bytes.len()));
        let archive = Archive::read(&bytes, 0x20_0000, 8192).expect("well-formed");
        let entry = archive.entry("system").expect("it is there");
        assert_eq!((entry.physical, entry.length), (0x20_1000, 10));
        assert_eq!(
            archive.entry("absent"),
            Err(BuildError::File("absent".into()))
        );
    }

    #[test]
    fn what_lies_outside_is_refused() {
        for (offset, length) in [(4096, 5000), (1, 1), (u64::MAX - 4095, 4096)] {
            let archive = Archive::read(&table("a", offset, length), 0, 8192);
            assert_eq!(archive.err(), Some(BuildError::BadArchive));
        }
        assert_eq!(
            table_length(b"SKSHARC0\0\0\0\0\0\0\0\0"),
            Err(BuildError::BadArchive)
        );
    }
}
