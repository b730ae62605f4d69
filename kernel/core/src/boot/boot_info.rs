//! Bootinfo: what the root server reads about itself.

use core::mem::offset_of;

use sel4_sys::boot_info::{BootInfo, SlotRegion, UntypedDescription};

use super::ExtraChunk;
use crate::{BufferRef, Kernel, Machine, PhysicalAddress};

/// Bytes of a chunk's header.
const CHUNK_HEADER_BYTES: u64 = 16;

/// Bytes of a chunk with its header, rounded up to whole words.
pub(super) fn chunk_bytes(chunk: &ExtraChunk) -> u64 {
    CHUNK_HEADER_BYTES + (chunk.bytes.len() as u64).next_multiple_of(8)
}

/// Bootinfo under construction, in its frame.
pub(super) struct Writer<'a, M: Machine> {
    pub(super) kernel: &'a Kernel<M>,
    pub(super) frame: PhysicalAddress,
}

impl<M: Machine> Writer<'_, M> {
    pub(super) fn word(&self, offset: usize, value: u64) {
        let address = self.kernel.machine().kernel_address(self.frame) + offset as u64;
        if let Some(word) = BufferRef::new(address) {
            self.kernel.machine().store(word, value);
        }
    }

    pub(super) fn region(&self, offset: usize, region: SlotRegion) {
        self.word(offset + offset_of!(SlotRegion, start), region.start);
        self.word(offset + offset_of!(SlotRegion, end), region.end);
    }

    pub(super) fn untyped(&self, index: usize, untyped: &UntypedDescription) {
        let offset = offset_of!(BootInfo, untyped_list) + index * size_of::<UntypedDescription>();
        self.word(offset, untyped.physical_address);
        let kind = u64::from(untyped.size_bits) | u64::from(untyped.is_device) << 8;
        self.word(offset + offset_of!(UntypedDescription, size_bits), kind);
    }

    /// Writes the extra chunks one after the other at `offset`, which is in consecutive frames.
    pub(super) fn chunks(&self, mut offset: usize, chunks: &[ExtraChunk]) {
        for chunk in chunks {
            self.word(offset, chunk.id);
            self.word(offset + 8, chunk_bytes(chunk));
            offset += 16;
            for bytes in chunk.bytes.chunks(8) {
                let mut word = [0; 8];
                for (to, from) in word.iter_mut().zip(bytes) {
                    *to = *from;
                }
                self.word(offset, u64::from_le_bytes(word));
                offset += 8;
            }
        }
    }
}
