//! The root server's own free slots, handed out once each.

use crate::{BuildError, WorkingSlot};

/// Slots `next` up to, not including, `end`.
#[derive(Debug)]
pub(crate) struct WorkingSlots {
    next: u64,
    end: u64,
}

impl WorkingSlots {
    pub(crate) fn new(range: core::ops::Range<u64>) -> Self {
        Self {
            next: range.start,
            end: range.end,
        }
    }

    /// `count` consecutive slots.
    pub(crate) fn take(&mut self, count: u32) -> Result<WorkingSlot, BuildError> {
        let first = self.next;
        let next = first.checked_add(u64::from(count));
        match next.filter(|&next| next <= self.end) {
            Some(next) => {
                self.next = next;
                Ok(WorkingSlot(first))
            }
            None => Err(BuildError::NoSlots),
        }
    }

    /// First slot that was never handed out.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }
}
