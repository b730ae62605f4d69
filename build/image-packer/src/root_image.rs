//! The root image: the root server's ELF, and the archive behind it.

use object::LittleEndian;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader, ProgramHeader};

use crate::PackError;
use crate::archive::LARGE_PAGE;

const NOTE_NAME: &[u8] = b"Sekisho";
const NOTE_TYPE: u32 = 1;
/// The note's content: archive offset in the file and archive length, each u64.
const NOTE_LENGTH: usize = 16;

/// Puts `archive` behind the root server at a multiple of 2 MiB and writes its place into the note.
pub fn root_image(root_server: &[u8], archive: &[u8]) -> Result<Vec<u8>, PackError> {
    let note = note_offset(root_server)?;
    let mut image = root_server.to_vec();
    image.resize(image.len().next_multiple_of(LARGE_PAGE), 0);
    let offset = image.len() as u64;
    image.extend_from_slice(archive);
    image[note..note + 8].copy_from_slice(&offset.to_le_bytes());
    image[note + 8..note + NOTE_LENGTH].copy_from_slice(&(archive.len() as u64).to_le_bytes());
    Ok(image)
}

/// Where in the file the note's content starts.
fn note_offset(elf: &[u8]) -> Result<usize, PackError> {
    let not_elf = |error: object::Error| PackError::NotElf(error.to_string());
    let header = FileHeader64::<LittleEndian>::parse(elf).map_err(not_elf)?;
    let endian = header.endian().map_err(not_elf)?;
    for segment in header.program_headers(endian, elf).map_err(not_elf)? {
        let Some(mut notes) = segment.notes(endian, elf).map_err(not_elf)? else {
            continue;
        };
        while let Some(note) = notes.next().map_err(not_elf)? {
            let ours = note.name() == NOTE_NAME && note.n_type(endian) == NOTE_TYPE;
            if ours && note.desc().len() == NOTE_LENGTH {
                return Ok(offset_within(elf, note.desc()));
            }
        }
    }
    Err(PackError::NoArchiveNote)
}

/// How far `part`, a slice of `whole`, is from its start.
fn offset_within(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr() - whole.as_ptr().addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE_AT: usize = 0x100;

    /// An ELF64 with one program header: a PT_NOTE with the given name.
    fn elf(note_name: &[u8; 8]) -> Vec<u8> {
        let mut file = vec![0; 0x180];
        file[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
        file[16..18].copy_from_slice(&2u16.to_le_bytes());
        file[18..20].copy_from_slice(&62u16.to_le_bytes());
        file[20..24].copy_from_slice(&1u32.to_le_bytes());
        file[32..40].copy_from_slice(&64u64.to_le_bytes());
        file[52..54].copy_from_slice(&64u16.to_le_bytes());
        file[54..56].copy_from_slice(&56u16.to_le_bytes());
        file[56..58].copy_from_slice(&1u16.to_le_bytes());
        file[64..68].copy_from_slice(&4u32.to_le_bytes());
        file[72..80].copy_from_slice(&(NOTE_AT as u64).to_le_bytes());
        file[96..104].copy_from_slice(&36u64.to_le_bytes());
        file[112..120].copy_from_slice(&4u64.to_le_bytes());
        let note = &mut file[NOTE_AT..];
        note[..4].copy_from_slice(&8u32.to_le_bytes());
        note[4..8].copy_from_slice(&16u32.to_le_bytes());
        note[8..12].copy_from_slice(&1u32.to_le_bytes());
        note[12..20].copy_from_slice(note_name);
        file
    }

    #[test]
    fn the_note_tells_where_the_archive_is() {
        let archive = vec![9; 4096];
        let image = root_image(&elf(b"Sekisho\0"), &archive).expect("the ELF has the note");
        assert_eq!(image.len(), LARGE_PAGE + archive.len());
        assert_eq!(&image[LARGE_PAGE..], &archive);
        let content = &image[NOTE_AT + 20..NOTE_AT + 36];
        assert_eq!(content[..8], (LARGE_PAGE as u64).to_le_bytes());
        assert_eq!(content[8..], 4096u64.to_le_bytes());
    }

    #[test]
    fn an_elf_without_the_note_is_refused() {
        assert_eq!(
            root_image(&elf(b"Another\0"), &[]),
            Err(PackError::NoArchiveNote)
        );
    }

    #[test]
    fn what_is_no_elf_is_refused() {
        assert!(matches!(
            root_image(b"#!/bin/sh", &[]),
            Err(PackError::NotElf(_))
        ));
    }
}
