//! Budgets: sporadic servers and round robin.
//!
//! A scheduling context holds a ring of refills in order of time; the sum of their amounts is the
//! budget. Time is taken from the first; what was used comes back one period after the moment at which
//! its use began, so that no window of one period ever sees more than the budget. Round robin
//! (period zero) keeps two refills, the rest of the time slice and the used part, both usable at once.

use core::cell::Cell;

use crate::object::Refill;
use crate::{Kernel, Machine, SchedContextRef};

/// What the kernel itself may take on one entry, in microseconds: refills smaller than twice this would be
/// used up by scheduling them.
const KERNEL_TIME_US: u64 = 10;
/// The smallest budget and refill, in microseconds.
pub(crate) const MIN_BUDGET_US: u64 = 2 * KERNEL_TIME_US;
/// Refills that every configured context has.
pub(crate) const MIN_REFILLS: u32 = 2;
/// The most that one may have beyond these, whatever room it has: all are looked at with interrupts off.
pub(crate) const MAX_EXTRA_REFILLS: u8 = 126;
/// No refill is put off beyond this time; keeps sums of times from overflowing.
const LAST_TIME: u64 = u64::MAX / 2;

/// What a scheduling context is configured with, in ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Parameters {
    pub(crate) budget: u64,
    /// Zero for round robin.
    pub(crate) period: u64,
    pub(crate) refills: u32,
}

impl<M: Machine> Kernel<M> {
    pub(crate) fn min_budget(&self) -> u64 {
        MIN_BUDGET_US * self.machine().ticks_per_us()
    }

    pub(crate) fn refill_head(&self, context: SchedContextRef) -> &Refill {
        self.refill(context, self.sched_context(context).refill_head.get())
    }

    fn refill_tail(&self, context: SchedContextRef) -> &Refill {
        self.refill(context, self.sched_context(context).refill_tail.get())
    }

    pub(crate) fn is_round_robin(&self, context: SchedContextRef) -> bool {
        self.sched_context(context).period.get() == 0
    }

    /// Whether the first refill's time has come.
    pub(crate) fn is_refill_ready(&self, context: SchedContextRef) -> bool {
        let soon = self.core.now.get() + KERNEL_TIME_US * self.machine().ticks_per_us();
        self.refill_head(context).time.get() <= soon
    }

    /// Whether the first refill outlasts `usage` by enough to be worth running.
    #[inline]
    pub(crate) fn is_refill_sufficient(&self, context: SchedContextRef, usage: u64) -> bool {
        let amount = self.refill_head(context).amount.get();
        amount.saturating_sub(usage) >= self.min_budget()
    }

    fn has_single_refill(&self, context: SchedContextRef) -> bool {
        let context = self.sched_context(context);
        context.refill_head.get() == context.refill_tail.get()
    }

    fn next_index(&self, context: SchedContextRef, index: u32) -> u32 {
        if index + 1 == self.sched_context(context).refill_max.get() {
            0
        } else {
            index + 1
        }
    }

    fn pop_refill(&self, context: SchedContextRef) -> (u64, u64) {
        let head = self.refill_head(context);
        let values = (head.time.get(), head.amount.get());
        let state = self.sched_context(context);
        state
            .refill_head
            .set(self.next_index(context, state.refill_head.get()));
        values
    }

    fn push_refill(&self, context: SchedContextRef, time: u64, amount: u64) {
        let state = self.sched_context(context);
        let tail = self.next_index(context, state.refill_tail.get());
        state.refill_tail.set(tail);
        let refill = self.refill(context, tail);
        refill.time.set(time);
        refill.amount.set(amount);
    }

    /// Plans used time to come back at `time`.
    fn plan_refill(&self, context: SchedContextRef, time: u64, amount: u64) {
        let state = self.sched_context(context);
        let tail = self.refill_tail(context);
        let tail_end = tail.time.get() + tail.amount.get();
        let is_full = self.next_index(context, state.refill_tail.get()) == state.refill_head.get();
        if time <= tail_end {
            tail.amount.set(tail.amount.get() + amount);
        } else if !is_full {
            self.push_refill(context, time, amount);
        } else {
            // No room: the tail comes later, so that it may be as large.
            tail.time.set(time - tail.amount.get());
            tail.amount.set(tail.amount.get() + amount);
        }
    }

    /// Starts a context anew with a full budget.
    pub(crate) fn start_refills(&self, context: SchedContextRef, parameters: Parameters) {
        let state = self.sched_context(context);
        state.period.set(parameters.period);
        state.budget.set(parameters.budget);
        state.refill_max.set(parameters.refills);
        state.refill_head.set(0);
        state.refill_tail.set(0);
        let head = self.refill(context, 0);
        head.time.set(self.core.now.get());
        head.amount.set(parameters.budget);
        if parameters.period == 0 {
            // Round robin: the second refill collects what is used of the time slice.
            self.push_refill(context, self.core.now.get(), 0);
        }
    }

    /// Changes the parameters of a context in use, not to round robin: it gets no more than the new budget in
    /// the new period.
    pub(crate) fn update_refills(&self, context: SchedContextRef, parameters: Parameters) {
        let head = self.refill_head(context);
        let (time, amount) = (head.time.get(), head.amount.get());
        let is_ready = self.is_refill_ready(context);
        self.start_refills(context, parameters);
        let head = self.refill_head(context);
        if !is_ready {
            head.time.set(time);
        }
        if amount < parameters.budget {
            head.amount.set(amount);
            let rest = parameters.budget - amount;
            self.push_refill(context, head.time.get() + parameters.period, rest);
            self.merge_small_head(context);
        }
    }

    /// Takes used time from a sporadic context.
    pub(crate) fn charge(&self, context: SchedContextRef, mut usage: u64) {
        let period = self.sched_context(context).period.get();
        while let head = self.refill_head(context)
            && head.amount.get() <= usage
            && head.time.get() < LAST_TIME
        {
            usage -= head.amount.get();
            if self.has_single_refill(context) {
                head.time.set(head.time.get() + period);
            } else {
                let (time, amount) = self.pop_refill(context);
                self.plan_refill(context, time + period, amount);
            }
        }
        let head = self.refill_head(context);
        if usage > 0 && head.time.get() < LAST_TIME {
            let time = head.time.get();
            head.amount.set(head.amount.get() - usage);
            head.time.set(time + usage);
            self.plan_refill(context, time + period, usage);
        }
        self.merge_small_head(context);
    }

    /// Joins refills at the front until the first is worth running.
    fn merge_small_head(&self, context: SchedContextRef) {
        while self.refill_head(context).amount.get() < self.min_budget()
            && !self.has_single_refill(context)
        {
            let (_, amount) = self.pop_refill(context);
            let head = self.refill_head(context);
            head.time.set(head.time.get().saturating_sub(amount));
            head.amount.set(head.amount.get() + amount);
        }
    }

    /// Takes used time from a round-robin context's slice.
    #[inline(always)]
    pub(crate) fn charge_slice(&self, context: SchedContextRef, usage: u64) {
        let [rest, used] = self.slice(context);
        let usage = usage.min(rest.get());
        rest.set(rest.get() - usage);
        used.set(used.get() + usage);
    }

    /// What is left of a round-robin context's slice, and what is used of it: its two refills stay where
    /// [`Self::start_refills`] puts them.
    #[inline(always)]
    fn slice(&self, context: SchedContextRef) -> [&Cell<u64>; 2] {
        [0, 1].map(|index| &self.refill(context, index).amount)
    }

    /// Gives a round-robin context a whole slice again.
    #[inline(always)]
    pub(crate) fn renew_slice(&self, context: SchedContextRef) {
        let [rest, used] = self.slice(context);
        rest.set(rest.get() + used.take());
    }

    /// A context begins to be used now: its usable refills start now, not in the past, or it could save
    /// time up and use it in one go.
    pub(crate) fn begin_use(&self, context: SchedContextRef) {
        if self.is_round_robin(context) || self.sched_context(context).refill_max.get() == 0 {
            return;
        }
        self.core.timer_is_stale.set(true);
        if !self.is_refill_ready(context) {
            return;
        }
        let now = self.core.now.get();
        self.refill_head(context).time.set(now);
        while !self.has_single_refill(context) {
            let amount = self.refill_head(context).amount.get();
            let index = self.sched_context(context).refill_head.get();
            let next = self.refill(context, self.next_index(context, index));
            if next.time.get() > now + amount {
                break;
            }
            self.pop_refill(context);
            let head = self.refill_head(context);
            head.time.set(now);
            head.amount.set(head.amount.get() + amount);
        }
    }
}
