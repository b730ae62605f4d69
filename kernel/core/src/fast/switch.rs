//! The processor goes to a thread that runs on a scheduling context of its own.

use crate::{Kernel, Machine, Resume, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Whether the thread has a space, and time of its own that may simply begin to pay, and waits for
    /// nothing but its turn or what it is given now.
    #[inline(always)]
    pub(super) fn can_go_to(&self, thread: TcbRef) -> bool {
        let tcb = self.tcb(thread);
        let Some(context) = tcb.sched_context.get() else {
            return false;
        };
        let state = self.sched_context(context);
        !state.sporadic.get()
            && state.refill_max.get() > 0
            && !tcb.in_release_queue.get()
            && tcb.yield_to.get().is_none()
            && self.core.payer.get() != Some(context)
            && self.is_in_current_domain(thread)
            && self.space_of_thread(thread).is_some()
    }

    /// Whether the time since the last look at the clock is within the payer's budget, and no thread that
    /// waits for its time is due: then going to another thread takes no more than to settle this time.
    #[inline(always)]
    pub(super) fn has_time_to_switch(&self) -> bool {
        self.update_time();
        let first = self.core.release.get();
        let due = first.and_then(|first| self.tcb(first).sched_context.get());
        let payer = self.core.payer.get();
        !due.is_some_and(|context| self.is_refill_ready(context))
            && payer.is_some_and(|payer| self.is_refill_sufficient(payer, self.core.consumed.get()))
    }

    /// Goes to a thread; the current one has been put where it belongs.
    #[inline(always)]
    pub(super) fn go_to(&self, thread: TcbRef) -> Resume {
        self.core.current.set(Some(thread));
        self.activate_space_of(thread);
        self.settle(Some(thread))
    }
}
