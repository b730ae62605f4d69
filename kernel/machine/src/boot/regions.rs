//! Sorted lists of physical memory regions, with union and difference.

use kernel_core::{PhysicalAddress, Region};

/// Most regions of one list; a PC's memory map has about a dozen.
const CAPACITY: usize = 96;

/// Regions that are sorted, do not touch each other, and are not empty.
pub(super) struct RegionList {
    regions: [Region; CAPACITY],
    count: usize,
}

/// The region of these bounds; an end before the start makes it empty.
pub(super) fn region(start: u64, end: u64) -> Region {
    Region {
        start: PhysicalAddress(start),
        end: PhysicalAddress(end.max(start)),
    }
}

impl RegionList {
    /// No region.
    pub(super) const fn new() -> Self {
        let nothing = Region {
            start: PhysicalAddress(0),
            end: PhysicalAddress(0),
        };
        Self {
            regions: [nothing; CAPACITY],
            count: 0,
        }
    }

    /// The regions, in order of address.
    pub(super) fn as_slice(&self) -> &[Region] {
        &self.regions[..self.count]
    }

    /// Adds the memory of a region; what it touches becomes one with it. A full list drops memory
    /// instead of failing: less memory is the harmless side for RAM and for device memory.
    pub(super) fn add(&mut self, new: Region) {
        if new.start >= new.end {
            return;
        }
        let mut merged = new;
        let mut index = 0;
        while index < self.count {
            let old = self.regions[index];
            if old.end < merged.start || old.start > merged.end {
                index += 1;
            } else {
                merged = Region {
                    start: merged.start.min(old.start),
                    end: merged.end.max(old.end),
                };
                self.take_out(index);
            }
        }
        let place = self
            .as_slice()
            .iter()
            .position(|old| old.start > merged.start)
            .unwrap_or(self.count);
        self.put_in(place, merged);
    }

    /// Takes the memory of a region away.
    pub(super) fn subtract(&mut self, hole: Region) {
        if hole.start >= hole.end {
            return;
        }
        let mut index = 0;
        while index < self.count {
            let old = self.regions[index];
            if old.end <= hole.start || old.start >= hole.end {
                index += 1;
                continue;
            }
            self.take_out(index);
            let parts = [
                region(old.start.0, hole.start.0),
                region(hole.end.0, old.end.0),
            ];
            for part in parts {
                if part.start < part.end {
                    self.put_in(index, part);
                    index += 1;
                }
            }
        }
    }

    /// Whether a region lies wholly in the list's memory.
    pub(super) fn contains(&self, part: Region) -> bool {
        self.as_slice()
            .iter()
            .any(|whole| whole.start <= part.start && part.end <= whole.end)
    }

    fn take_out(&mut self, index: usize) {
        self.regions.copy_within(index + 1..self.count, index);
        self.count -= 1;
    }

    fn put_in(&mut self, index: usize, new: Region) {
        if self.count < CAPACITY {
            self.regions.copy_within(index..self.count, index + 1);
            self.regions[index] = new;
            self.count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(bounds: &[(u64, u64)]) -> RegionList {
        let mut list = RegionList::new();
        for &(start, end) in bounds {
            list.add(region(start, end));
        }
        list
    }

    fn bounds(list: &RegionList) -> Vec<(u64, u64)> {
        list.as_slice()
            .iter()
            .map(|part| (part.start.0, part.end.0))
            .collect()
    }

    #[test]
    fn neighbours_become_one_and_order_is_kept() {
        assert_eq!(
            bounds(&list(&[(10, 20), (0, 5), (20, 30)])),
            [(0, 5), (10, 30)]
        );
        assert_eq!(bounds(&list(&[(0, 5), (6, 8), (4, 7)])), [(0, 8)]);
    }

    #[test]
    fn a_hole_splits_trims_and_removes() {
        let mut list = list(&[(0, 10), (20, 30), (40, 50)]);
        list.subtract(region(5, 7));
        assert_eq!(bounds(&list), [(0, 5), (7, 10), (20, 30), (40, 50)]);
        list.subtract(region(8, 45));
        assert_eq!(bounds(&list), [(0, 5), (7, 8), (45, 50)]);
        list.subtract(region(3, 3));
        assert_eq!(bounds(&list), [(0, 5), (7, 8), (45, 50)]);
    }

    /// Against a bitmap of 64 bytes, with a small generator of numbers instead of a dependency.
    #[test]
    fn random_changes_agree_with_a_bitmap() {
        let mut state = 1_u64;
        let mut random = move |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut list = RegionList::new();
        let mut model = [false; 64];
        for _ in 0..10_000 {
            let start = random(64);
            let end = start + random(65 - start);
            let add = random(2) == 0;
            if add {
                list.add(region(start, end));
            } else {
                list.subtract(region(start, end));
            }
            for bit in &mut model[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()] {
                *bit = add;
            }
            let mut seen = [false; 64];
            let mut last_end = None;
            for (start, end) in bounds(&list) {
                assert!(start < end && last_end.is_none_or(|last| last < start));
                last_end = Some(end);
                seen[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()].fill(true);
            }
            assert_eq!(seen, model);
        }
    }
}
