//! Free memory while the root server is built.

use super::{BootError, Region};
use crate::PhysicalAddress;

/// The most separate pieces of free memory that are kept; smaller ones beyond that are lost.
const PIECES: usize = 64;

/// Free memory as a list of ranges.
pub(super) struct FreeMemory {
    pieces: [Region; PIECES],
    count: usize,
}

impl FreeMemory {
    pub(super) fn new(regions: &[Region]) -> Self {
        let empty = Region {
            start: PhysicalAddress(0),
            end: PhysicalAddress(0),
        };
        let mut memory = Self {
            pieces: [empty; PIECES],
            count: 0,
        };
        for region in regions {
            memory.add(*region);
        }
        memory
    }

    fn add(&mut self, region: Region) {
        if region.start < region.end
            && let Some(piece) = self.pieces.get_mut(self.count)
        {
            *piece = region;
            self.count += 1;
        }
    }

    pub(super) fn pieces(&self) -> &[Region] {
        self.pieces.get(..self.count).unwrap_or(&[])
    }

    /// Takes 2^bits bytes, aligned to their size, from the smallest piece that has them.
    pub(super) fn take(&mut self, bits: u32) -> Result<PhysicalAddress, BootError> {
        let size = 1u64 << bits;
        let fit = |piece: &Region| {
            let start = piece.start.0.checked_next_multiple_of(size)?;
            (start.checked_add(size)? <= piece.end.0).then_some(start)
        };
        let (index, start) = self
            .pieces()
            .iter()
            .enumerate()
            .filter_map(|(index, piece)| Some((index, fit(piece)?, piece)))
            .min_by_key(|(_, _, piece)| piece.end.0 - piece.start.0)
            .map(|(index, start, _)| (index, start))
            .ok_or(BootError::NotEnoughMemory)?;
        let taken = Region {
            start: PhysicalAddress(start),
            end: PhysicalAddress(start + size),
        };
        if let Some(piece) = self.pieces.get_mut(index) {
            let whole = *piece;
            piece.end = taken.start;
            self.add(Region {
                start: taken.end,
                end: whole.end,
            });
        }
        Ok(taken.start)
    }
}
