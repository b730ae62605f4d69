//! The choice of the thread to run.

use crate::core_state::Decision;
use crate::object::{Register, ThreadState};
use crate::{Kernel, Machine, Resume, SchedContextRef, TcbRef};

impl<M: Machine> Kernel<M> {
    /// The scheduler must look at all ready threads before user code runs.
    pub(crate) fn reschedule(&self) {
        if let Decision::Try(thread) = self.core.decision.get()
            && self.is_schedulable(thread)
        {
            self.enqueue_first(thread);
        }
        self.core.decision.set(Decision::Choose);
    }

    /// A thread has become ready: run it next if it is the most important one.
    pub(crate) fn possible_switch_to(&self, thread: TcbRef) {
        if !self.is_schedulable(thread) || self.core.current.get() == Some(thread) {
            return;
        }
        if !self.is_in_current_domain(thread) {
            self.enqueue_first(thread);
        } else if self.core.decision.get() == Decision::Continue {
            self.core.decision.set(Decision::Try(thread));
        } else {
            self.reschedule();
            self.enqueue_first(thread);
        }
    }

    /// Ends a kernel entry: decides who runs, settles the time, and says what to resume.
    pub(crate) fn leave(&self) -> Resume {
        self.release_due_threads();
        let decision = self.core.decision.replace(Decision::Continue);
        if decision != Decision::Continue {
            self.decide(decision);
        }
        self.settle(self.core.current.get())
    }

    /// Whoever runs now begins to pay.
    #[inline(always)]
    pub(crate) fn settle(&self, current: Option<TcbRef>) -> Resume {
        let context = current.and_then(|current| self.tcb(current).sched_context.get());
        if context != self.core.payer.get() {
            self.begin_paying(context);
        } else if self.core.timer_is_stale.get() {
            self.pay();
            self.set_timer();
        }
        self.resume(current)
    }

    /// Another context pays from now on.
    #[inline(always)]
    pub(crate) fn begin_paying(&self, context: Option<SchedContextRef>) {
        if let Some(context) = context
            && !self.is_round_robin(context)
            && !self.sched_context(context).sporadic.get()
        {
            self.begin_use(context);
        }
        self.pay();
        self.core.payer.set(context);
        self.set_timer();
    }

    fn decide(&self, decision: Decision) {
        let current = self
            .core
            .current
            .get()
            .filter(|current| self.is_schedulable(*current));
        if let Some(current) = current {
            self.enqueue_first(current);
        }
        if let Decision::Try(candidate) = decision
            && self.is_schedulable(candidate)
        {
            let priority = self.tcb(candidate).priority.get();
            let equal = |current: TcbRef| self.tcb(current).priority.get() == priority;
            if current.is_some_and(equal) {
                // The current thread goes on before its equals.
                self.enqueue_last(candidate);
            } else if self
                .core
                .ready_priorities
                .highest()
                .is_none_or(|ready| ready <= priority)
            {
                self.dequeue(candidate);
                return self.switch_to(Some(candidate));
            } else {
                self.enqueue_first(candidate);
            }
        }
        self.update_domain();
        let next = self.first_ready();
        if let Some(next) = next {
            self.dequeue(next);
        }
        self.switch_to(next);
    }

    fn switch_to(&self, thread: Option<TcbRef>) {
        self.core.current.set(thread);
        let Some(thread) = thread else {
            return self.machine().activate_kernel_space();
        };
        self.activate_space_of(thread);
    }

    /// Makes user addresses mean what they mean to this thread; without a valid space it has none.
    #[inline(always)]
    pub(crate) fn activate_space_of(&self, thread: TcbRef) {
        match self.space_of_thread(thread) {
            Some(root) => self.machine().activate_space(root),
            None => self.machine().activate_kernel_space(),
        }
    }

    /// How the current thread goes on.
    #[inline(always)]
    pub(crate) fn resume(&self, current: Option<TcbRef>) -> Resume {
        let Some(current) = current else {
            return Resume::Idle;
        };
        let tcb = self.tcb(current);
        let yields = tcb.yield_to.get().is_some();
        if tcb.state.get() == ThreadState::Running && !yields {
            return Resume::User(current);
        }
        if yields {
            self.complete_yield_to(current);
        }
        match tcb.state.get() {
            ThreadState::Restart => {
                tcb.context.set(Register::Rip, tcb.fault_address.get());
                tcb.state.set(ThreadState::Running);
                Resume::User(current)
            }
            ThreadState::RunningGuest => self.resume_guest(current),
            _ => Resume::User(current),
        }
    }
}
