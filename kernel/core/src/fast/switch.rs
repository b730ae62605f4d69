//! The processor goes to another thread, which runs on a scheduling context of its own or on the one that pays
//! already.

use crate::object::Tcb;
use crate::{Kernel, Machine, SchedContextRef, TableRef, TcbRef};

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

    /// Whether going to another thread takes no more than to settle the time since the last look at the clock:
    /// nothing for which the timer is set is near, the end of the payer's budget least of all.
    #[inline(always)]
    pub(super) fn has_time_to_switch(&self) -> bool {
        self.update_time();
        self.core.now.get() + self.min_budget() <= self.core.deadline.get()
    }

    /// Goes to a thread, whose context begins to pay; the current one has been put where it belongs.
    #[inline(always)]
    pub(super) fn go_to(&self, thread: TcbRef) -> TcbRef {
        self.core.current.set(Some(thread));
        self.activate_space_of(thread);
        self.begin_paying(self.tcb(thread).sched_context.get());
        thread
    }

    /// Whether no ready thread is more important.
    #[inline(always)]
    pub(super) fn goes_before_all_ready(&self, thread: &Tcb) -> bool {
        let priorities = &self.core.ready_priorities;
        priorities.has_none_above(thread.priority.get())
    }

    /// Gives a context to another thread.
    #[inline(always)]
    pub(super) fn lend(&self, context: SchedContextRef, from: &Tcb, to: TcbRef) {
        from.sched_context.set(None);
        self.tcb(to).sched_context.set(Some(context));
        self.sched_context(context).tcb.set(Some(to));
    }

    /// Goes to a thread that has got the context that pays.
    #[inline(always)]
    pub(super) fn go_to_borrower(&self, thread: TcbRef, space: TableRef) -> TcbRef {
        self.core.current.set(Some(thread));
        self.machine().activate_space(space);
        thread
    }
}
