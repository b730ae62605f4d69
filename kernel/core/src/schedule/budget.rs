//! Time passes: the running thread's scheduling context pays.

use crate::{Kernel, Machine};

impl<M: Machine> Kernel<M> {
    /// Looks at the clock; the time since the last look is the payer's.
    #[inline]
    pub(crate) fn update_time(&self) {
        let now = self.machine().now();
        let passed = now.saturating_sub(self.core.now.replace(now));
        self.core.consumed.set(self.core.consumed.get() + passed);
    }

    /// Whether the payer can go on. If not, it is charged and the scheduler will pick somebody.
    #[inline]
    pub(crate) fn check_budget(&self) -> bool {
        let Some(payer) = self.core.payer.get() else {
            return true;
        };
        if self.is_refill_sufficient(payer, self.core.consumed.get()) {
            return true;
        }
        self.end_slice(self.core.consumed.get(), TimeoutFault::Allowed);
        false
    }

    /// Charges the payer for what it has used so far.
    #[inline(always)]
    pub(crate) fn pay(&self) {
        let consumed = self.core.consumed.take();
        let Some(payer) = self.core.payer.get() else {
            return;
        };
        let context = self.sched_context(payer);
        if context.refill_max.get() == 0 || consumed == 0 {
            return;
        }
        if self.is_round_robin(payer) {
            self.charge_slice(payer, consumed);
        } else {
            self.charge(payer, consumed);
        }
        context.consumed.set(context.consumed.get() + consumed);
    }

    /// The current thread gives up the rest of its first refill.
    pub(crate) fn yield_slice(&self) {
        let Some(payer) = self.core.payer.get() else {
            return;
        };
        let context = self.sched_context(payer);
        let used = context.consumed.get() + self.core.consumed.get();
        self.end_slice(
            self.refill_head(payer).amount.get(),
            TimeoutFault::Suppressed,
        );
        // Only what was really used counts as used.
        context.consumed.set(used);
    }

    /// Charges `usage` as the end of the payer's first refill, and puts the current thread where threads
    /// without budget wait.
    fn end_slice(&self, usage: u64, timeout: TimeoutFault) {
        let Some(payer) = self.core.payer.get() else {
            return;
        };
        let context = self.sched_context(payer);
        if context.refill_max.get() != 0 {
            if self.is_round_robin(payer) {
                self.renew_slice(payer);
            } else {
                self.charge(payer, usage);
            }
            context.consumed.set(context.consumed.get() + usage);
        }
        self.core.consumed.set(0);
        if let Some(current) = self.core.current.get()
            && self.is_schedulable(current)
        {
            if timeout == TimeoutFault::Allowed
                && !self.is_round_robin(payer)
                && self.has_timeout_handler(current)
            {
                self.timeout_fault(current, payer);
            } else if self.is_refill_ready(payer) && self.is_refill_sufficient(payer, 0) {
                self.enqueue_last(current);
            } else {
                self.postpone(payer);
            }
        }
        self.reschedule();
        self.core.timer_is_stale.set(true);
    }

    /// Sets the timer to when the current budget or domain ends or the next thread is released.
    #[inline(always)]
    pub(crate) fn set_timer(&self) {
        self.core.timer_is_stale.set(false);
        let now = self.core.now.get();
        let budget_end = self.core.payer.get().map_or(u64::MAX, |payer| {
            now.saturating_add(self.refill_head(payer).amount.get())
        });
        let release = self
            .core
            .release
            .get()
            .map_or(u64::MAX, |first| self.release_time(first));
        let end = budget_end.min(release).min(self.core.domains.end.get());
        self.core.deadline.set(end);
        self.machine().set_timer(end, now);
    }
}

/// Whether the end of the budget is told to a timeout handler.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TimeoutFault {
    Allowed,
    Suppressed,
}
