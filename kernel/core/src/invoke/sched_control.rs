//! SchedControl: budgets and periods.

use sel4_sys::invocation as label;

use super::Invocation;
use super::arguments::{at_most, ensure_between};
use crate::capability::{Capability, SchedContext};
use crate::error::Error;
use crate::schedule::{MAX_EXTRA_REFILLS, MIN_BUDGET_US, MIN_REFILLS, Parameters};
use crate::{Kernel, Machine};

/// The context is a sporadic server in the strict sense: its budget is bounded in every window.
const SPORADIC: u64 = 1;
/// Bytes of a scheduling context before its third refill.
const CORE_BYTES: u64 = 128;
const REFILL_BYTES: u64 = 16;

struct Configuration {
    target: SchedContext,
    parameters: Parameters,
    badge: u64,
    sporadic: bool,
}

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_sched_control(&self, invocation: &Invocation) -> Result<(), Error> {
        if invocation.label != label::SCHED_CONTROL_CONFIGURE_FLAGS {
            return Err(Error::IllegalOperation);
        }
        let configuration = self.decode_configuration(invocation)?;
        self.configure_context(&configuration);
        Ok(())
    }

    fn decode_configuration(&self, invocation: &Invocation) -> Result<Configuration, Error> {
        invocation.require(5, 1)?;
        let word = |index| self.argument(invocation, index);
        let (budget_us, period_us, extra) = (word(0), word(1), word(2));
        let (badge, flags) = (word(3), word(4));
        let ticks = self.machine().ticks_per_us();
        // Sums of a few such times must not overflow.
        let max_us = u64::MAX / 8 / ticks.max(1);
        ensure_between(budget_us, MIN_BUDGET_US, max_us)?;
        ensure_between(period_us, MIN_BUDGET_US, max_us)?;
        ensure_between(budget_us, MIN_BUDGET_US, period_us)?;
        let (_, Capability::SchedContext(target)) = self.extra(invocation, 0)? else {
            return Err(Error::InvalidCapability(1));
        };
        let room = ((1u64 << target.size_bits) - CORE_BYTES) / REFILL_BYTES;
        let extra = at_most(
            extra,
            room.try_into().unwrap_or(u8::MAX).min(MAX_EXTRA_REFILLS),
        )?;
        let is_round_robin = budget_us == period_us;
        let extra = if is_round_robin { 0 } else { extra };
        Ok(Configuration {
            target,
            parameters: Parameters {
                budget: budget_us * ticks,
                period: if is_round_robin { 0 } else { period_us * ticks },
                refills: MIN_REFILLS + u32::from(extra),
            },
            badge,
            sporadic: flags & SPORADIC != 0,
        })
    }

    fn configure_context(&self, configuration: &Configuration) {
        let context = configuration.target.object;
        let parameters = configuration.parameters;
        let state = self.sched_context(context);
        state.badge.set(configuration.badge);
        state.sporadic.set(configuration.sporadic);
        let thread = state.tcb.get();
        if let Some(thread) = thread {
            self.dequeue_release(thread);
            self.dequeue(thread);
            if self.core.payer.get() == Some(context) {
                // What was used so far is charged by the old rules.
                self.pay();
                self.core.timer_is_stale.set(true);
            }
        }
        let is_in_use = state.refill_max.get() > 0
            && parameters.period > 0
            && thread.is_some_and(|thread| self.is_runnable(thread));
        if is_in_use {
            self.update_refills(context, parameters);
        } else {
            self.start_refills(context, parameters);
        }
        if let Some(thread) = thread {
            self.resume_context(context);
            if self.current() == Some(thread) {
                self.reschedule();
            } else {
                self.possible_switch_to(thread);
            }
        }
    }
}
