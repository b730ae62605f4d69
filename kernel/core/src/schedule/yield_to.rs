//! YieldTo: a thread lets another one of its own rank go first, and learns how long that took.

use crate::{Kernel, Machine, SchedContextRef, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Remembers that `from` waits until `context` is charged.
    pub(crate) fn begin_yield_to(&self, from: TcbRef, context: SchedContextRef) {
        self.tcb(from).yield_to.set(Some(context));
        self.sched_context(context).yield_from.set(Some(from));
    }

    /// Forgets a yield without an answer.
    pub(crate) fn cancel_yield_to(&self, from: TcbRef) {
        if let Some(context) = self.tcb(from).yield_to.take() {
            self.sched_context(context).yield_from.set(None);
        }
    }

    /// Tells a thread that yielded how much time the other context used.
    pub(crate) fn complete_yield_to(&self, from: TcbRef) {
        let Some(context) = self.tcb(from).yield_to.get() else {
            return;
        };
        let consumed = self.take_consumed(context);
        self.cancel_yield_to(from);
        self.answer_from_kernel(from, 0, [consumed]);
    }
}
