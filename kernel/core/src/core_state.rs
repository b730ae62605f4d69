//! What belongs to one processor core: who runs, who is ready, and the time.

use core::cell::Cell;

use crate::object::Queue;
use crate::{SchedContextRef, TcbRef};

/// Number of priorities.
pub(crate) const PRIORITIES: usize = 256;

/// What the scheduler has to do before user code runs again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    /// Nothing: the current thread goes on.
    Continue,
    /// Run this thread, unless a more important one is ready.
    Try(TcbRef),
    /// Pick the most important ready thread.
    Choose,
}

/// One core's state.
pub(crate) struct Core {
    pub(crate) current: Cell<Option<TcbRef>>,
    /// The scheduling context that pays for the time since `now` was last brought up to date.
    pub(crate) payer: Cell<Option<SchedContextRef>>,
    pub(crate) decision: Cell<Decision>,
    /// Whether the timer must be set anew before user code runs.
    pub(crate) timer_is_stale: Cell<bool>,
    /// The time at the kernel's latest entry that looked.
    pub(crate) now: Cell<u64>,
    /// Ticks that the payer has used and not paid yet.
    pub(crate) consumed: Cell<u64>,
    /// Ready threads by priority.
    pub(crate) ready: [Queue; PRIORITIES],
    /// One bit for each priority that has ready threads.
    pub(crate) ready_words: [Cell<u64>; 4],
    /// One bit for each of those words that is not zero.
    pub(crate) ready_summary: Cell<u8>,
    /// The first thread that waits for its budget, in order of time.
    pub(crate) release: Cell<Option<TcbRef>>,
}

impl Core {
    pub(crate) const fn new() -> Self {
        Self {
            current: Cell::new(None),
            payer: Cell::new(None),
            decision: Cell::new(Decision::Choose),
            timer_is_stale: Cell::new(false),
            now: Cell::new(0),
            consumed: Cell::new(0),
            ready: [const { Queue::new() }; PRIORITIES],
            ready_words: [const { Cell::new(0) }; 4],
            ready_summary: Cell::new(0),
            release: Cell::new(None),
        }
    }

    /// The highest priority that has a ready thread.
    #[inline(always)]
    pub(crate) fn highest_ready(&self) -> Option<u8> {
        let word = (self.ready_summary.get().checked_ilog2()? & 3) as u8;
        let bit = self.ready_words[usize::from(word)].get().checked_ilog2()? & 63;
        Some(word << 6 | bit as u8)
    }

    /// Notes that a priority has ready threads.
    pub(crate) fn mark_ready(&self, priority: u8) {
        let (word, bit) = (priority >> 6, 1 << (priority & 63));
        let bits = &self.ready_words[usize::from(word)];
        bits.set(bits.get() | bit);
        self.ready_summary.set(self.ready_summary.get() | 1 << word);
    }

    /// Notes that a priority has no ready thread any more.
    pub(crate) fn unmark_ready(&self, priority: u8) {
        let (word, bit) = (priority >> 6, 1 << (priority & 63));
        let bits = &self.ready_words[usize::from(word)];
        bits.set(bits.get() & !bit);
        if bits.get() == 0 {
            self.ready_summary
                .set(self.ready_summary.get() & !(1 << word));
        }
    }
}
