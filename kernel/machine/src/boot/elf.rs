//! The root server's program: a plain static ELF64 executable, read with suspicion.

use super::bytes::{read_u16, read_u32, read_u64};

const MAGIC: &[u8] = b"\x7fELF\x02\x01";
const MACHINE_X86_64: u16 = 62;
const TYPE_EXECUTABLE: u16 = 2;
const SEGMENT_LOAD: u32 = 1;
const SEGMENT_NOTE: u32 = 4;
const PROGRAM_HEADER_BYTES: usize = 56;

/// The note that says where in the image file the boot archive lies.
const ARCHIVE_NOTE_NAME: &[u8] = b"Sekisho\0";
const ARCHIVE_NOTE_KIND: u32 = 1;

/// An ELF file whose header is right.
pub(super) struct Elf<'a> {
    file: &'a [u8],
    headers: &'a [u8],
    /// Where the program starts.
    pub(super) entry: u64,
}

/// A part of the program that is to be in memory.
pub(super) struct Segment<'a> {
    /// Virtual address of the first byte.
    pub(super) address: u64,
    /// Bytes in memory; those that the file does not hold are zero.
    pub(super) memory_bytes: u64,
    /// What the file holds.
    pub(super) content: &'a [u8],
}

/// The place of the boot archive in the image file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Archive {
    /// Offset of its first byte.
    pub(super) offset: u64,
    /// Its length.
    pub(super) bytes: u64,
}

impl<'a> Elf<'a> {
    /// Checks the header of a file.
    pub(super) fn new(file: &'a [u8]) -> Option<Self> {
        let fits = file.starts_with(MAGIC)
            && read_u16(file, 16)? == TYPE_EXECUTABLE
            && read_u16(file, 18)? == MACHINE_X86_64
            && usize::from(read_u16(file, 54)?) == PROGRAM_HEADER_BYTES;
        let start = usize::try_from(read_u64(file, 32)?).ok()?;
        let bytes = usize::from(read_u16(file, 56)?) * PROGRAM_HEADER_BYTES;
        let headers = file.get(start..start.checked_add(bytes)?)?;
        let entry = read_u64(file, 24)?;
        fits.then_some(Self {
            file,
            headers,
            entry,
        })
    }

    /// The parts to load; `None` in place of one whose content does not lie in the file.
    pub(super) fn segments(&self) -> impl Iterator<Item = Option<Segment<'a>>> {
        self.headers_of(SEGMENT_LOAD).map(|header| {
            let segment = Segment {
                address: read_u64(header, 16)?,
                memory_bytes: read_u64(header, 40)?,
                content: self.content(header)?,
            };
            (segment.content.len() as u64 <= segment.memory_bytes).then_some(segment)
        })
    }

    /// The first address and the first address after all parts, in whole pages.
    pub(super) fn extent(&self) -> Option<(u64, u64)> {
        let mut extent: Option<(u64, u64)> = None;
        for segment in self.segments() {
            let segment = segment?;
            let end = segment.address.checked_add(segment.memory_bytes)?;
            let (low, high) = extent.unwrap_or((segment.address, end));
            extent = Some((low.min(segment.address), high.max(end)));
        }
        let (low, high) = extent?;
        Some((low & !4095, high.checked_next_multiple_of(4096)?))
    }

    /// The boot archive that a note of the file announces.
    pub(super) fn archive(&self) -> Option<Archive> {
        self.headers_of(SEGMENT_NOTE)
            .filter_map(|header| self.content(header))
            .find_map(archive_note)
            .filter(|archive| archive.bytes != 0)
    }

    fn headers_of(&self, kind: u32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.headers
            .chunks_exact(PROGRAM_HEADER_BYTES)
            .filter(move |header| read_u32(header, 0) == Some(kind))
    }

    fn content(&self, header: &[u8]) -> Option<&'a [u8]> {
        let start = usize::try_from(read_u64(header, 8)?).ok()?;
        let bytes = usize::try_from(read_u64(header, 32)?).ok()?;
        self.file.get(start..start.checked_add(bytes)?)
    }
}

/// Looks through a note segment: u32 name length, u32 content length, u32 kind, name, content, each
/// padded to four bytes.
fn archive_note(mut notes: &[u8]) -> Option<Archive> {
    loop {
        let name_bytes = usize::try_from(read_u32(notes, 0)?).ok()?;
        let content_bytes = usize::try_from(read_u32(notes, 4)?).ok()?;
        let kind = read_u32(notes, 8)?;
        let name = notes.get(12..12_usize.checked_add(name_bytes)?)?;
        let content_start = 12 + name_bytes.next_multiple_of(4);
        let content_end = content_start.checked_add(content_bytes)?;
        let content = notes.get(content_start..content_end)?;
        if name == ARCHIVE_NOTE_NAME && kind == ARCHIVE_NOTE_KIND {
            return Some(Archive {
                offset: read_u64(content, 0)?,
                bytes: read_u64(content, 8)?,
            });
        }
        notes = notes.get(content_end.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with one load segment of 16 bytes in the file and `memory_bytes` in memory, and a note.
    fn file(memory_bytes: u64) -> Vec<u8> {
        let mut file = vec![0; 64];
        file[..6].copy_from_slice(MAGIC);
        file[16..18].copy_from_slice(&2_u16.to_le_bytes());
        file[18..20].copy_from_slice(&62_u16.to_le_bytes());
        file[24..32].copy_from_slice(&0x40_0010_u64.to_le_bytes());
        file[32..40].copy_from_slice(&64_u64.to_le_bytes());
        file[54..56].copy_from_slice(&56_u16.to_le_bytes());
        file[56..58].copy_from_slice(&2_u16.to_le_bytes());
        let mut header = |kind: u32, offset: u64, address: u64, bytes: u64, memory: u64| {
            file.extend(kind.to_le_bytes());
            file.extend(5_u32.to_le_bytes());
            for word in [offset, address, address, bytes, memory, 4096] {
                file.extend(word.to_le_bytes());
            }
        };
        header(SEGMENT_LOAD, 176, 0x40_0ff8, 16, memory_bytes);
        header(SEGMENT_NOTE, 192, 0, 36, 36);
        file.extend([7; 16]);
        file.extend([8, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0]);
        file.extend(ARCHIVE_NOTE_NAME);
        file.extend(0x20_0000_u64.to_le_bytes());
        file.extend(99_u64.to_le_bytes());
        file
    }

    #[test]
    fn a_good_file_is_read() {
        let file = file(20);
        let elf = Elf::new(&file).unwrap();
        assert_eq!(elf.entry, 0x40_0010);
        assert_eq!(elf.extent(), Some((0x40_0000, 0x40_2000)));
        let archive = Archive {
            offset: 0x20_0000,
            bytes: 99,
        };
        assert_eq!(elf.archive(), Some(archive));
        let segments: Vec<_> = elf.segments().map(Option::unwrap).collect();
        assert_eq!(segments.len(), 1);
        assert_eq!(segments[0].content, [7; 16]);
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(Elf::new(&file(8)).unwrap().extent().is_none());
        assert!(Elf::new(&file(u64::MAX)).unwrap().extent().is_none());
        let good = file(20);
        for length in 0..good.len() {
            if let Some(elf) = Elf::new(&good[..length]) {
                // Neither may panic; a cut note is no note.
                elf.extent();
                assert!(elf.archive().is_none());
            }
        }
    }
}
