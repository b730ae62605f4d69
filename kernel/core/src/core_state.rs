//! What belongs to one processor core: who runs, who is ready, and the time.

use core::cell::Cell;

use crate::object::Queue;
use crate::schedule::{DomainSchedule, PrioritySet};
use crate::{SchedContextRef, TcbRef};

/// Number of priorities.
pub(crate) const PRIORITIES: usize = 256;
/// Number of domains.
pub(crate) const DOMAINS: u8 = 4;

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
    /// What the timer is set for: the end of the payer's budget or of the domain's turn, or the next
    /// thread's release.
    pub(crate) deadline: Cell<u64>,
    /// The time at the kernel's latest entry that looked.
    pub(crate) now: Cell<u64>,
    /// Ticks that the payer has used and not paid yet.
    pub(crate) consumed: Cell<u64>,
    /// Ready threads by domain and priority.
    pub(crate) ready: [[Queue; PRIORITIES]; DOMAINS as usize],
    /// The priorities that have ready threads of the current domain.
    pub(crate) ready_priorities: PrioritySet,
    /// The same of the other domains; the current one's entry is stale.
    pub(crate) other_priorities: [PrioritySet; DOMAINS as usize],
    pub(crate) domains: DomainSchedule,
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
            deadline: Cell::new(0),
            now: Cell::new(0),
            consumed: Cell::new(0),
            ready: [const { [const { Queue::new() }; PRIORITIES] }; DOMAINS as usize],
            ready_priorities: PrioritySet::new(),
            other_priorities: [const { PrioritySet::new() }; DOMAINS as usize],
            domains: DomainSchedule::new(),
            release: Cell::new(None),
        }
    }
}
