//! A set of priorities whose highest member is found in two steps.

use core::cell::Cell;

/// A set of priorities.
pub(crate) struct PrioritySet {
    /// One bit for each priority.
    words: [Cell<u64>; 4],
    /// One bit for each of those words that is not zero.
    summary: Cell<u8>,
}

impl PrioritySet {
    pub(crate) const fn new() -> Self {
        Self {
            words: [const { Cell::new(0) }; 4],
            summary: Cell::new(0),
        }
    }

    #[inline(always)]
    pub(crate) fn highest(&self) -> Option<u8> {
        let word = (self.summary.get().checked_ilog2()? & 3) as u8;
        let bit = self.words[usize::from(word)].get().checked_ilog2()? & 63;
        Some(word << 6 | bit as u8)
    }

    #[cfg(test)]
    pub(crate) fn contains(&self, priority: u8) -> bool {
        self.words[usize::from(priority >> 6)].get() & 1 << (priority & 63) != 0
    }

    pub(crate) fn insert(&self, priority: u8) {
        let (word, bit) = (priority >> 6, 1 << (priority & 63));
        let bits = &self.words[usize::from(word)];
        bits.set(bits.get() | bit);
        self.summary.set(self.summary.get() | 1 << word);
    }

    pub(crate) fn remove(&self, priority: u8) {
        let (word, bit) = (priority >> 6, 1 << (priority & 63));
        let bits = &self.words[usize::from(word)];
        bits.set(bits.get() & !bit);
        if bits.get() == 0 {
            self.summary.set(self.summary.get() & !(1 << word));
        }
    }

    pub(crate) fn swap(&self, other: &Self) {
        for (ours, theirs) in self.words.iter().zip(&other.words) {
            ours.swap(theirs);
        }
        self.summary.swap(&other.summary);
    }
}
