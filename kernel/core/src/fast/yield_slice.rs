//! Yield of a thread that shares time by slices: its equals go before it.

use crate::{Kernel, Machine, Resume, TcbRef};

impl<M: Machine> Kernel<M> {
    #[inline(always)]
    pub(super) fn fast_yield(&self, current: TcbRef) -> Option<Resume> {
        let tcb = self.tcb(current);
        let payer = self.core.payer.get()?;
        if tcb.sched_context.get() != Some(payer)
            || !self.is_round_robin(payer)
            || !self.has_time_to_switch()
        {
            return None;
        }
        let is_equal = |next: &TcbRef| self.tcb(*next).priority.get() >= tcb.priority.get();
        let next = self.first_ready().filter(is_equal);
        if next.is_some_and(|next| !self.can_go_to(next)) {
            return None;
        }
        let context = self.sched_context(payer);
        context
            .consumed
            .set(context.consumed.get() + self.core.consumed.take());
        self.renew_slice(payer);
        let Some(next) = next else {
            self.set_timer();
            return Some(Resume::User(current));
        };
        tcb.fault_address.set(tcb.system_call_address());
        self.enqueue_last(current);
        self.dequeue(next);
        let next = self.go_to(next);
        Some(self.resume(Some(next)))
    }
}
