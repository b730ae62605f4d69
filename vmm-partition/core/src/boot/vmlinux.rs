//! A kernel that is not packed: an ELF file in the place of the payload.
//!
//! A bzImage carries its kernel packed, behind the program that unpacks it. It may also carry it as it
//! is (boot.rst, `payload_offset`: an uncompressed payload is always ELF). Then the monitor does what that
//! program would do: it puts the segments into their places and moves the kernel in its virtual
//! address space. Unpacking takes two thirds of all instructions up to the guest's shell.

use super::{
    bzimage::Kernel,
    error::BootError,
    image::{Image, Part},
    relocation,
};
use crate::guest_memory::GuestMemory;

/// ELF, 64 bits, little-endian, first version.
const IDENTIFICATION: [u8; 7] = *b"\x7fELF\x02\x01\x01";
/// Program header of a segment that is loaded.
const LOADED: u32 = 1;
/// Bytes of a program header.
const PROGRAM_HEADER_BYTES: u64 = 56;
/// Linux has five.
const PROGRAM_HEADERS_MAX: u16 = 16;

/// A kernel's ELF file with what stands behind it.
pub(super) struct Vmlinux<'a, I: ?Sized>(Part<'a, I>);

/// What a segment's program header says.
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    file_bytes: u64,
    memory_bytes: u64,
}

impl<'a, I: Image + ?Sized> Vmlinux<'a, I> {
    /// The kernel in the payload of `image`, if it is not packed.
    pub(super) fn find(image: &'a I, kernel: &Kernel) -> Option<Self> {
        let payload = Part::new(
            image,
            kernel.code_offset + kernel.payload_offset,
            kernel.payload_bytes,
        )?;
        (payload.bytes_at(0) == IDENTIFICATION).then_some(Self(payload))
    }

    /// Puts the kernel into memory, moved by `distance` in its virtual address space, and answers the
    /// address of its first instruction. Memory that the file does not fill is zero already.
    pub(super) fn load(
        &self,
        kernel: &Kernel,
        distance: u64,
        memory: &impl GuestMemory,
    ) -> Result<u64, BootError> {
        let table = u64::from_le_bytes(self.0.bytes_at(0x20));
        let count = u16::from_le_bytes(self.0.bytes_at(0x38));
        if count > PROGRAM_HEADERS_MAX {
            return Err(BootError::BadSegments);
        }
        for index in 0..u64::from(count) {
            let header = table.checked_add(index * PROGRAM_HEADER_BYTES);
            let segment = self.segment(header.ok_or(BootError::BadSegments)?);
            if segment.kind == LOADED {
                self.load_segment(&segment, kernel, memory)?;
            }
        }
        if distance != 0 {
            relocation::relocate(&self.relocations()?, distance, memory)?;
        }
        let entry = u64::from_le_bytes(self.0.bytes_at(0x18));
        if kernel.contains(entry, 1) {
            Ok(entry)
        } else {
            Err(BootError::BadSegments)
        }
    }

    /// Whether the kernel says what is to be changed when it moves.
    pub(super) fn can_move(&self) -> bool {
        self.relocations().is_ok_and(|part| part.length() > 0)
    }

    /// What stands behind the ELF file, which its section headers end.
    fn relocations(&self) -> Result<Part<'a, I>, BootError> {
        let table = u64::from_le_bytes(self.0.bytes_at(0x28));
        let size = u64::from(u16::from_le_bytes(self.0.bytes_at(0x3a)));
        let count = u64::from(u16::from_le_bytes(self.0.bytes_at(0x3c)));
        table
            .checked_add(size * count)
            .and_then(|end| self.0.behind(end))
            .ok_or(BootError::BadSegments)
    }

    fn segment(&self, header: u64) -> Segment {
        let at = |field: u64| header.saturating_add(field);
        let word = |field| u64::from_le_bytes(self.0.bytes_at(at(field)));
        Segment {
            kind: u32::from_le_bytes(self.0.bytes_at(header)),
            offset: word(0x08),
            address: word(0x18),
            file_bytes: word(0x20),
            memory_bytes: word(0x28),
        }
    }

    fn load_segment(
        &self,
        segment: &Segment,
        kernel: &Kernel,
        memory: &impl GuestMemory,
    ) -> Result<(), BootError> {
        let fits = segment.memory_bytes >= segment.file_bytes
            && kernel.contains(segment.address, segment.memory_bytes);
        if !fits {
            return Err(BootError::BadSegments);
        }
        self.0
            .part(segment.offset, segment.file_bytes)
            .ok_or(BootError::BadSegments)?
            .copy_to(segment.address, memory)
    }
}
