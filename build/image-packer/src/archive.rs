//! The archive's layout: a header, a table of entries, then the files.
//!
//! ```text
//! 0   "SKSHARC1"   u32 entry count   u32 zero
//! 16  entries of 64 bytes: name [u8; 48] NUL-padded, offset u64, length u64
//! ... the files, each at a multiple of its alignment
//! ```
//! Numbers are little-endian, offsets count from the archive's start.

use crate::PackError;

/// Bytes of a small page, the least alignment of a file.
pub const PAGE: usize = 4 << 10;
/// Bytes of a large page.
pub const LARGE_PAGE: usize = 2 << 20;
/// Bytes of the name field, one of them for the closing NUL.
pub const NAME_LENGTH: usize = 48;

const MAGIC: &[u8; 8] = b"SKSHARC1";
const HEADER_LENGTH: usize = 16;
const ENTRY_LENGTH: usize = NAME_LENGTH + 16;

/// Where a file may start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Alignment {
    /// At a 4 KiB page.
    Page,
    /// At a 2 MiB page: for what a guest's VMM maps in large frames.
    LargePage,
}

impl Alignment {
    fn bytes(self) -> usize {
        match self {
            Alignment::Page => PAGE,
            Alignment::LargePage => LARGE_PAGE,
        }
    }
}

/// A file to be packed.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The name under which the root server looks for it.
    pub name: &'a str,
    /// The file's bytes.
    pub contents: &'a [u8],
    /// Where it may start.
    pub alignment: Alignment,
}

/// Lays the entries out as an archive; its length is a multiple of 4 KiB.
pub fn archive(entries: &[Entry<'_>]) -> Result<Vec<u8>, PackError> {
    check_names(entries)?;
    let count = u32::try_from(entries.len()).map_err(|_| PackError::TooManyEntries)?;
    let mut table = Vec::new();
    table.extend_from_slice(MAGIC);
    table.extend_from_slice(&count.to_le_bytes());
    table.extend_from_slice(&0u32.to_le_bytes());

    let mut bytes = vec![0; HEADER_LENGTH + entries.len() * ENTRY_LENGTH];
    for entry in entries {
        bytes.resize(bytes.len().next_multiple_of(entry.alignment.bytes()), 0);
        let mut name = [0; NAME_LENGTH];
        name[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
        table.extend_from_slice(&name);
        table.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        table.extend_from_slice(&(entry.contents.len() as u64).to_le_bytes());
        bytes.extend_from_slice(entry.contents);
    }
    bytes.resize(bytes.len().next_multiple_of(PAGE), 0);
    bytes[..table.len()].copy_from_slice(&table);
    Ok(bytes)
}

fn check_names(entries: &[Entry<'_>]) -> Result<(), PackError> {
    for (index, entry) in entries.iter().enumerate() {
        let name = entry.name;
        if name.is_empty() || name.len() >= NAME_LENGTH || name.contains('\0') {
            return Err(PackError::BadName(name.to_owned()));
        }
        if entries[..index].iter().any(|other| other.name == name) {
            return Err(PackError::DuplicateName(name.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry<'a>(name: &'a str, contents: &'a [u8], alignment: Alignment) -> Entry<'a> {
        Entry {
            name,
            contents,
            alignment,
        }
    }

    fn word(bytes: &[u8], offset: usize) -> usize {
        let field: [u8; 8] = bytes[offset..offset + 8].try_into().expect("eight bytes");
        usize::try_from(u64::from_le_bytes(field)).expect("fits")
    }

    #[test]
    fn files_lie_where_the_table_says() {
        let large = vec![7; 5000];
        let packed = archive(&[
            entry("system", b"manifest", Alignment::Page),
            entry("guest-kernel", &large, Alignment::LargePage),
            entry("console.elf", b"elf", Alignment::Page),
        ])
        .expect("the entries are fine");
        assert_eq!(&packed[..8], b"SKSHARC1");
        assert_eq!(packed[8..12], 3u32.to_le_bytes());
        assert_eq!(&packed[16..23], b"system\0");
        let place = |index: usize| {
            let at = 16 + index * 64 + 48;
            (word(&packed, at), word(&packed, at + 8))
        };
        assert_eq!(place(0), (PAGE, 8));
        assert_eq!(place(1), (LARGE_PAGE, 5000));
        assert_eq!(place(2), (LARGE_PAGE + 2 * PAGE, 3));
        assert_eq!(&packed[PAGE..PAGE + 8], b"manifest");
        assert_eq!(&packed[LARGE_PAGE..LARGE_PAGE + 5000], &large);
        assert_eq!(packed.len() % PAGE, 0);
    }

    #[test]
    fn an_empty_archive_is_one_page() {
        assert_eq!(archive(&[]).expect("nothing is wrong with it").len(), PAGE);
    }

    #[test]
    fn bad_names_are_refused() {
        for name in ["", "a\0b", &"x".repeat(NAME_LENGTH)] {
            assert_eq!(
                archive(&[entry(name, b"", Alignment::Page)]),
                Err(PackError::BadName(name.to_owned()))
            );
        }
        let twice = [entry("a", b"", Alignment::Page); 2];
        assert_eq!(archive(&twice), Err(PackError::DuplicateName("a".into())));
    }
}
