//! Threads' priorities, scheduling contexts and the handlers of what goes wrong.

use super::Invocation;
use super::arguments::at_most;
use super::tcb_space::Source;
use crate::address::TcbSlot;
use crate::capability::Capability;
use crate::error::{Error, Stop};
use crate::fault::is_fault_handler;
use crate::{Kernel, Machine, SchedContextRef, TcbRef};

impl<M: Machine> Kernel<M> {
    pub(super) fn tcb_set_priority(
        &self,
        invocation: &Invocation,
        tcb: TcbRef,
    ) -> Result<(), Error> {
        invocation.require(1, 1)?;
        let priority = self.authorised_priority(invocation, self.argument(invocation, 0))?;
        self.set_priority(tcb, priority);
        Ok(())
    }

    pub(super) fn tcb_set_mc_priority(
        &self,
        invocation: &Invocation,
        tcb: TcbRef,
    ) -> Result<(), Error> {
        invocation.require(1, 1)?;
        let priority = self.authorised_priority(invocation, self.argument(invocation, 0))?;
        self.tcb(tcb).max_controlled_priority.set(priority);
        Ok(())
    }

    pub(super) fn tcb_set_sched_params(
        &self,
        invocation: &Invocation,
        tcb: TcbRef,
    ) -> Result<(), Stop> {
        invocation.require(2, 3)?;
        let maximum = self.authorised_priority(invocation, self.argument(invocation, 0))?;
        let priority = self.authorised_priority(invocation, self.argument(invocation, 1))?;
        let context = self.context_to_bind(invocation, tcb)?;
        let handler = self.handler_argument(invocation, 2, 3)?;
        self.replace_own_capability(invocation, tcb, TcbSlot::FaultHandler, &handler)?;
        self.tcb(tcb).max_controlled_priority.set(maximum);
        self.set_priority(tcb, priority);
        match (context, self.tcb(tcb).sched_context.get()) {
            (Some(context), None) => self.bind_thread(context, tcb),
            (None, Some(context)) => self.unbind_thread(context),
            _ => (),
        }
        Ok(())
    }

    pub(super) fn tcb_set_timeout_endpoint(
        &self,
        invocation: &Invocation,
        tcb: TcbRef,
    ) -> Result<(), Stop> {
        let handler = self.handler_argument(invocation, 0, 1)?;
        self.replace_own_capability(invocation, tcb, TcbSlot::TimeoutHandler, &handler)
    }

    /// A priority that does not exceed what the thread in extra capability 0 may give.
    fn authorised_priority(&self, invocation: &Invocation, priority: u64) -> Result<u8, Error> {
        let (_, Capability::Thread(authority)) = self.extra(invocation, 0)? else {
            return Err(Error::InvalidCapability(1));
        };
        let max = self.tcb(authority).max_controlled_priority.get();
        at_most(priority, max)
    }

    /// Extra capability 1: the context that the thread shall run on, or none.
    fn context_to_bind(
        &self,
        invocation: &Invocation,
        tcb: TcbRef,
    ) -> Result<Option<SchedContextRef>, Error> {
        match self.extra(invocation, 1)? {
            (_, Capability::Null) if invocation.thread == tcb => Err(Error::IllegalOperation),
            (_, Capability::Null) => Ok(None),
            (_, Capability::SchedContext(context)) => {
                let context = context.object;
                if self.tcb(tcb).sched_context.get() != Some(context) {
                    self.ensure_may_bind(context, tcb)?;
                }
                Ok(Some(context))
            }
            _ => Err(Error::InvalidCapability(2)),
        }
    }

    /// Refuses to bind a thread or context that is bound, or a waiting thread to a context without budget.
    pub(super) fn ensure_may_bind(
        &self,
        context: SchedContextRef,
        tcb: TcbRef,
    ) -> Result<(), Error> {
        if self.tcb(tcb).sched_context.get().is_some()
            || self.sched_context(context).tcb.get().is_some()
            || (self.is_blocked(tcb) && !self.has_budget(context))
        {
            return Err(Error::IllegalOperation);
        }
        Ok(())
    }

    /// Extra capability `index`, which is argument `number`, as a fault handler or none.
    pub(super) fn handler_argument(
        &self,
        invocation: &Invocation,
        index: usize,
        number: u64,
    ) -> Result<Source, Error> {
        let (slot, capability) = self.extra(invocation, index)?;
        if capability == Capability::Null || is_fault_handler(&capability) {
            Ok((slot, capability))
        } else {
            Err(Error::InvalidCapability(number))
        }
    }
}
