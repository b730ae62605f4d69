//! The processor goes to a thread that runs on a scheduling context of its own.

use crate::{Kernel, Machine, Resume, TableRef, TcbRef};

/// A thread that can be gone to at once.
#[derive(Clone, Copy)]
pub(super) struct Ready {
    pub(super) thread: TcbRef,
    space: TableRef,
}

impl<M: Machine> Kernel<M> {
    /// The thread, if it has a space and time of its own that may simply begin to pay, and waits for
    /// nothing but its turn or what it is given now.
    #[inline(always)]
    pub(super) fn as_ready(&self, thread: TcbRef) -> Option<Ready> {
        let tcb = self.tcb(thread);
        let context = tcb.sched_context.get()?;
        let state = self.sched_context(context);
        let is_plain = !state.sporadic.get()
            && state.refill_max.get() > 0
            && !tcb.in_release_queue.get()
            && tcb.yield_to.get().is_none()
            && self.core.payer.get() != Some(context)
            && self.is_in_current_domain(thread);
        let space = self.space_of_thread(thread)?;
        is_plain.then_some(Ready { thread, space })
    }

    /// Whether the time since the last look at the clock is within the payer's budget, and no thread that
    /// waits for its time is due: then going to another thread takes no more than to settle this time.
    #[inline(always)]
    pub(super) fn has_time_to_switch(&self) -> bool {
        self.update_time();
        let nobody_is_due = match self.core.release.get() {
            None => true,
            Some(first) => !self
                .tcb(first)
                .sched_context
                .get()
                .is_some_and(|context| self.is_refill_ready(context)),
        };
        nobody_is_due
            && self
                .core
                .payer
                .get()
                .is_some_and(|payer| self.is_refill_sufficient(payer, self.core.consumed.get()))
    }

    /// Goes to a thread; the current one has been put where it belongs.
    #[inline(always)]
    pub(super) fn go_to(&self, to: Ready) -> Resume {
        self.core.current.set(Some(to.thread));
        self.machine().activate_space(to.space);
        self.settle()
    }
}
