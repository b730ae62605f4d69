//! The further pieces of boot information: ACPI root pointer, memory map, TSC frequency, boot archive.

use kernel_core::{ExtraChunk, Region};
use sel4_sys::boot_info::extra;

use super::Findings;
use super::acpi::RSDP_BYTES;
use super::loader::{MAP_CAPACITY, MapEntry};
use crate::entry::KERNEL;

/// A Multiboot memory map entry: u32 size of the rest, u64 address, u64 length, u32 kind.
const MAP_ENTRY_BYTES: usize = 24;
const MAP_BYTES: usize = 4 + MAP_CAPACITY * MAP_ENTRY_BYTES;

/// The contents of the chunks.
pub(super) struct ExtraChunks {
    root_pointer: Option<[u8; RSDP_BYTES]>,
    map: [u8; MAP_BYTES],
    map_bytes: usize,
    tsc_mhz: [u8; 4],
    archive: Option<[u8; 16]>,
}

/// A few chunks.
pub(super) struct ChunkList<'a> {
    chunks: [ExtraChunk<'a>; 4],
    count: usize,
}

impl<'a> ChunkList<'a> {
    pub(super) fn as_slice(&self) -> &[ExtraChunk<'a>] {
        &self.chunks[..self.count]
    }

    fn add(&mut self, id: u64, bytes: Option<&'a [u8]>) {
        if let Some(bytes) = bytes {
            self.chunks[self.count] = ExtraChunk { id, bytes };
            self.count += 1;
        }
    }
}

impl ExtraChunks {
    /// Writes the contents.
    pub(super) fn new(findings: &Findings, archive: Option<(Region, u64)>) -> Self {
        let mut chunks = Self {
            root_pointer: findings.root_pointer,
            map: [0; MAP_BYTES],
            map_bytes: 4,
            tsc_mhz: u32::try_from(KERNEL.machine().time.ticks_per_us())
                .unwrap_or(u32::MAX)
                .to_le_bytes(),
            archive: None,
        };
        for entry in findings.loader.map() {
            chunks.add_map_entry(entry);
        }
        let [low, high, ..] = (chunks.map_bytes - 4).to_le_bytes();
        chunks.map[..4].copy_from_slice(&[low, high, 0, 0]);
        chunks.archive = archive.map(|(place, bytes)| {
            let mut content = [0; 16];
            content[..8].copy_from_slice(&place.start.0.to_le_bytes());
            content[8..].copy_from_slice(&bytes.to_le_bytes());
            content
        });
        chunks
    }

    /// The chunks that exist, in the order of the interface.
    pub(super) fn list(&self) -> ChunkList<'_> {
        let mut list = ChunkList {
            chunks: [ExtraChunk { id: 0, bytes: &[] }; 4],
            count: 0,
        };
        list.add(
            extra::RSDP,
            self.root_pointer.as_ref().map(|bytes| &bytes[..]),
        );
        list.add(extra::MEMORY_MAP, Some(&self.map[..self.map_bytes]));
        list.add(extra::TSC_FREQUENCY, Some(&self.tsc_mhz));
        list.add(
            extra::BOOT_ARCHIVE,
            self.archive.as_ref().map(|bytes| &bytes[..]),
        );
        list
    }

    fn add_map_entry(&mut self, entry: &MapEntry) {
        const SIZE_OF_THE_REST: u32 = 20;
        let start = entry.region.start.0;
        let mut write = |bytes: &[u8]| {
            let end = self.map_bytes + bytes.len();
            self.map[self.map_bytes..end].copy_from_slice(bytes);
            self.map_bytes = end;
        };
        write(&SIZE_OF_THE_REST.to_le_bytes());
        write(&start.to_le_bytes());
        write(&(entry.region.end.0 - start).to_le_bytes());
        write(&entry.kind.to_le_bytes());
    }
}
