//! A program as pages: what the root server maps or copies, without the rest of the ELF file.

use object::LittleEndian;
use object::elf::{EM_X86_64, ET_EXEC, FileHeader64, PF_W, PT_INTERP, PT_LOAD, ProgramHeader64};
use object::read::elf::{FileHeader, ProgramHeader};

const PAGE: u64 = 4096;

/// A program, cut into page-aligned segments.
#[derive(Debug)]
pub(crate) struct Image {
    /// First instruction.
    pub(crate) entry: u64,
    /// In order of address, not overlapping.
    pub(crate) segments: Vec<Segment>,
    /// The segments' initial bytes, each from a page boundary on.
    pub(crate) contents: Vec<u8>,
}

/// A part of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// A multiple of 4 KiB.
    pub(crate) address: u64,
    pub(crate) writable: bool,
    /// Where in the contents its bytes start; a multiple of 4 KiB.
    pub(crate) offset: u64,
    /// Bytes in the contents.
    pub(crate) file_length: u64,
    /// Bytes in memory, a multiple of 4 KiB; behind those of the file it is zero.
    pub(crate) length: u64,
}

impl Image {
    /// Cuts a static ELF64 program whose segments lie in `from..to`.
    pub(crate) fn cut(elf: &[u8], from: u64, to: u64) -> Result<Self, String> {
        let header = FileHeader64::<LittleEndian>::parse(elf).map_err(|e| e.to_string())?;
        let endian = header.endian().map_err(|e| e.to_string())?;
        if header.e_machine(endian) != EM_X86_64 || header.e_type(endian) != ET_EXEC {
            return Err("it is no static program for x86-64".into());
        }
        let mut image = Self {
            entry: header.e_entry(endian),
            segments: Vec::new(),
            contents: Vec::new(),
        };
        let mut free_from = from;
        for program_header in header
            .program_headers(endian, elf)
            .map_err(|e| e.to_string())?
        {
            match program_header.p_type(endian) {
                PT_INTERP => return Err("it is dynamically linked".into()),
                PT_LOAD if program_header.p_memsz(endian) > 0 => {
                    image.add(elf, program_header, &mut free_from, to)?;
                }
                _ => {}
            }
        }
        if image.segments.iter().filter(|s| s.writable).count() > 1 {
            return Err("it has more than one segment that is written".into());
        }
        let executable = image.segments.iter().filter(|segment| !segment.writable);
        let mut executable = executable.map(|s| s.address..s.address + s.length);
        if executable.any(|range| range.contains(&image.entry)) {
            Ok(image)
        } else {
            Err("its entry lies in no segment that is only read".into())
        }
    }

    /// What the data that the program writes are at first, if there are any that are not zero.
    pub(crate) fn initial_data(&self) -> Option<&[u8]> {
        let data = self.segments.iter().find(|segment| segment.writable)?;
        let start = usize::try_from(data.offset).ok()?;
        let length = usize::try_from(data.file_length).ok()?;
        let bytes = self.contents.get(start..start + length)?;
        (!bytes.is_empty()).then_some(bytes)
    }

    fn add(
        &mut self,
        elf: &[u8],
        header: &ProgramHeader64<LittleEndian>,
        free_from: &mut u64,
        to: u64,
    ) -> Result<(), String> {
        let endian = LittleEndian;
        let address = header.p_vaddr(endian);
        let length = header.p_memsz(endian).checked_next_multiple_of(PAGE);
        let end = length.and_then(|length| address.checked_add(length));
        let (Some(length), Some(end)) = (length, end) else {
            return Err(format!("its segment at {address:#x} is too long"));
        };
        if !address.is_multiple_of(PAGE) {
            return Err(format!("its segment at {address:#x} starts within a page"));
        }
        if address < *free_from || end > to {
            return Err(format!(
                "its segment at {address:#x} overlaps another or leaves the space for programs"
            ));
        }
        let data = header
            .data(endian, elf)
            .map_err(|()| format!("its segment at {address:#x} is cut off"))?;
        self.segments.push(Segment {
            address,
            writable: header.p_flags(endian) & PF_W != 0,
            offset: self.contents.len() as u64,
            file_length: data.len() as u64,
            length,
        });
        self.contents.extend_from_slice(data);
        let page = usize::try_from(PAGE).map_err(|e| e.to_string())?;
        self.contents
            .resize(self.contents.len().next_multiple_of(page), 0);
        *free_from = end;
        Ok(())
    }
}
