//! A set of priorities that knows its highest member.

use core::cell::Cell;

/// A set of priorities.
pub(crate) struct PrioritySet {
    /// One bit for each priority.
    words: [Cell<u64>; 4],
    /// The highest member plus one; zero for the empty set.
    above: Cell<u16>,
}

impl PrioritySet {
    pub(crate) const fn new() -> Self {
        Self {
            words: [const { Cell::new(0) }; 4],
            above: Cell::new(0),
        }
    }

    #[inline(always)]
    pub(crate) fn highest(&self) -> Option<u8> {
        let priority = self.above.get().checked_sub(1)?;
        Some(priority.to_le_bytes()[0])
    }

    #[inline(always)]
    pub(crate) fn has_none_above(&self, priority: u8) -> bool {
        self.above.get() <= u16::from(priority) + 1
    }

    fn find_above(&self) -> u16 {
        for (first, bits) in [(192, 3), (128, 2), (64, 1), (0, 0)] {
            if let Some(bit) = self.words[bits].get().checked_ilog2() {
                return first + 1 + (bit & 63) as u16;
            }
        }
        0
    }

    #[cfg(test)]
    pub(crate) fn contains(&self, priority: u8) -> bool {
        self.words[usize::from(priority >> 6)].get() & 1 << (priority & 63) != 0
    }

    pub(crate) fn insert(&self, priority: u8) {
        let (word, bit) = (priority >> 6, 1 << (priority & 63));
        let bits = &self.words[usize::from(word)];
        bits.set(bits.get() | bit);
        self.above
            .set(self.above.get().max(u16::from(priority) + 1));
    }

    pub(crate) fn remove(&self, priority: u8) {
        let (word, bit) = (priority >> 6, 1 << (priority & 63));
        let bits = &self.words[usize::from(word)];
        bits.set(bits.get() & !bit);
        if self.above.get() == u16::from(priority) + 1 {
            self.above.set(self.find_above());
        }
    }

    pub(crate) fn swap(&self, other: &Self) {
        for (ours, theirs) in self.words.iter().zip(&other.words) {
            ours.swap(theirs);
        }
        self.above.swap(&other.above);
    }
}
