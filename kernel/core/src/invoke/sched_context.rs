//! Scheduling context operations.

use sel4_sys::invocation as label;

use super::Invocation;
use crate::capability::Capability;
use crate::error::Error;
use crate::{Kernel, Machine, SchedContextRef};

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_sched_context(
        &self,
        invocation: &Invocation,
        context: SchedContextRef,
    ) -> Result<(), Error> {
        match invocation.label {
            label::SCHED_CONTEXT_CONSUMED => {
                let consumed = self.take_consumed(context);
                self.answer_with(invocation, [consumed]);
                Ok(())
            }
            label::SCHED_CONTEXT_BIND => self.sched_context_bind(invocation, context),
            label::SCHED_CONTEXT_UNBIND => self.sched_context_unbind(invocation, context),
            label::SCHED_CONTEXT_UNBIND_OBJECT => {
                self.sched_context_unbind_object(invocation, context)
            }
            label::SCHED_CONTEXT_YIELD_TO => self.sched_context_yield_to(invocation, context),
            _ => Err(Error::IllegalOperation),
        }
    }

    fn sched_context_bind(
        &self,
        invocation: &Invocation,
        context: SchedContextRef,
    ) -> Result<(), Error> {
        let state = self.sched_context(context);
        match self.extra(invocation, 0)? {
            (_, Capability::Thread(thread)) => {
                self.ensure_may_bind(context, thread)?;
                self.bind_thread(context, thread);
            }
            (_, Capability::Notification(notification)) => {
                let bound = self.notification(notification.object).sched_context.get();
                if state.notification.get().is_some() || bound.is_some() {
                    return Err(Error::IllegalOperation);
                }
                self.bind_context_to_notification(context, notification.object);
            }
            _ => return Err(Error::InvalidCapability(1)),
        }
        Ok(())
    }

    fn sched_context_unbind(
        &self,
        invocation: &Invocation,
        context: SchedContextRef,
    ) -> Result<(), Error> {
        if self.sched_context(context).tcb.get() == Some(invocation.thread) {
            return Err(Error::IllegalOperation);
        }
        self.unbind_thread(context);
        self.unbind_notification_of_context(context);
        if let Some(reply) = self.sched_context(context).reply.take() {
            self.reply(reply).sched_context.set(None);
        }
        Ok(())
    }

    fn sched_context_unbind_object(
        &self,
        invocation: &Invocation,
        context: SchedContextRef,
    ) -> Result<(), Error> {
        let state = self.sched_context(context);
        match self.extra(invocation, 0)? {
            (_, Capability::Thread(thread)) => {
                if state.tcb.get() != Some(thread) || thread == invocation.thread {
                    return Err(Error::IllegalOperation);
                }
                self.unbind_thread(context);
            }
            (_, Capability::Notification(notification)) => {
                if state.notification.get() != Some(notification.object) {
                    return Err(Error::IllegalOperation);
                }
                self.unbind_notification_of_context(context);
            }
            _ => return Err(Error::InvalidCapability(1)),
        }
        Ok(())
    }

    fn sched_context_yield_to(
        &self,
        invocation: &Invocation,
        context: SchedContextRef,
    ) -> Result<(), Error> {
        let caller = invocation.thread;
        let state = self.sched_context(context);
        let target = state.tcb.get().ok_or(Error::IllegalOperation)?;
        let priority = self.tcb(target).priority.get();
        if target == caller
            || priority > self.tcb(caller).max_controlled_priority.get()
            || self.tcb(caller).yield_to.get().is_some()
        {
            return Err(Error::IllegalOperation);
        }
        if let Some(earlier) = state.yield_from.get() {
            self.complete_yield_to(earlier);
        }
        self.resume_context(context);
        if self.is_schedulable(target) {
            self.dequeue(target);
            if priority >= self.tcb(caller).priority.get() {
                // The caller is next when the target stops; it learns the time then.
                self.begin_yield_to(caller, context);
                self.enqueue_first(caller);
                self.enqueue_first(target);
                self.reschedule();
                self.answer_with(invocation, [0]);
                return Ok(());
            }
            self.enqueue_first(target);
        }
        let consumed = self.take_consumed(context);
        self.answer_with(invocation, [consumed]);
        Ok(())
    }
}
