//! Domains: sets of threads that take turns by a fixed schedule, whoever is ready.
//!
//! Each entry of the schedule gives one domain the processor for some time; an entry without time ends
//! the schedule, which then begins again at its start. At boot the first entry gives domain 0 all time.

use core::cell::Cell;

use super::PrioritySet;
use crate::{Kernel, Machine, TcbRef};

/// Entries of the schedule; the last is an end mark for ever.
pub(crate) const ENTRIES: u8 = 100;
/// The longest time of an entry, in ticks.
pub(crate) const DURATION_MAX: u64 = u64::MAX >> 8;

/// An entry of the schedule: a domain, and its time in ticks.
type Entry = (u8, u64);

/// The schedule, and where in it the machine is.
pub(crate) struct DomainSchedule {
    entries: [Cell<Entry>; ENTRIES as usize],
    /// The entry that follows an end mark.
    pub(crate) start: Cell<u8>,
    index: Cell<u8>,
    pub(crate) current: Cell<u8>,
    /// When the current entry's time is over.
    pub(crate) end: Cell<u64>,
    /// Whether to go on to the next entry before user code runs.
    is_over: Cell<bool>,
}

impl DomainSchedule {
    pub(crate) const fn new() -> Self {
        let mut entries = [const { Cell::new((0, 0)) }; ENTRIES as usize];
        entries[0] = Cell::new((0, DURATION_MAX));
        Self {
            entries,
            start: Cell::new(0),
            index: Cell::new(0),
            current: Cell::new(0),
            end: Cell::new(DURATION_MAX),
            is_over: Cell::new(false),
        }
    }

    pub(crate) fn entry(&self, index: u8) -> &Cell<Entry> {
        &self.entries[usize::from(index)]
    }
}

impl<M: Machine> Kernel<M> {
    /// Moves a thread to another domain.
    pub(crate) fn set_domain(&self, thread: TcbRef, domain: u8) {
        let tcb = self.tcb(thread);
        self.dequeue(thread);
        tcb.domain.set(domain);
        if self.is_schedulable(thread) {
            self.enqueue_first(thread);
        }
        if self.core.current.get() == Some(thread) {
            self.reschedule();
        }
    }

    /// Whether the thread's domain has the processor.
    #[inline(always)]
    pub(crate) fn is_in_current_domain(&self, thread: TcbRef) -> bool {
        self.tcb(thread).domain.get() == self.core.domains.current.get()
    }

    /// The priorities that have ready threads of a domain.
    pub(crate) fn ready_priorities_of(&self, domain: u8) -> &PrioritySet {
        if domain == self.core.domains.current.get() {
            &self.core.ready_priorities
        } else {
            &self.core.other_priorities[usize::from(domain)]
        }
    }

    /// Lets the schedule begin anew at an entry, now.
    pub(crate) fn start_domain_schedule(&self, start: u8) {
        let domains = &self.core.domains;
        domains.start.set(start);
        domains.index.set(ENTRIES - 2);
        self.end_domain();
    }

    /// Ends the current domain's turn if too little is left of it.
    pub(crate) fn check_domain_time(&self) {
        if self.core.now.get() + self.min_budget() >= self.core.domains.end.get() {
            self.end_domain();
        }
    }

    fn end_domain(&self) {
        self.core.domains.is_over.set(true);
        self.reschedule();
    }

    /// Goes on to the next entry of the schedule if the current one is over.
    pub(crate) fn update_domain(&self) {
        let domains = &self.core.domains;
        if !domains.is_over.take() {
            return;
        }
        let mut index = domains.index.get() + 1;
        if domains.entry(index).get().1 == 0 {
            index = domains.start.get();
        }
        let (domain, duration) = domains.entry(index).get();
        domains.index.set(index);
        domains.end.set(self.core.now.get() + duration);
        self.core.timer_is_stale.set(true);
        let ready = &self.core.ready_priorities;
        ready.swap(self.other_priorities(domains.current.replace(domain)));
        ready.swap(self.other_priorities(domain));
    }

    fn other_priorities(&self, domain: u8) -> &PrioritySet {
        &self.core.other_priorities[usize::from(domain)]
    }
}
