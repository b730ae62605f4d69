//! Call to a passive server that waits.

use super::transfer;
use crate::capability::endpoint_of;
use crate::message::BADGE_REGISTER;
use crate::object::ThreadState;
use crate::{Kernel, Machine, TcbRef};

impl<M: Machine> Kernel<M> {
    #[inline(always)]
    pub(super) fn fast_call(&self, current: TcbRef) -> Option<TcbRef> {
        let caller = self.tcb(current);
        let slot = self.fast_lookup(current, caller.context.get(BADGE_REGISTER))?;
        let capability = endpoint_of(self.slot(slot).words())?;
        let rights = capability.rights;
        if !rights.can_write() || !(rights.can_grant() || rights.can_grant_reply()) {
            return None;
        }
        let queue = &self.endpoint(capability.object).queue;
        let receiver = queue.head.get()?;
        let callee = self.tcb(receiver);
        if callee.state.get() != ThreadState::BlockedOnReceive
            || callee.sched_context.get().is_some()
            || !self.is_in_current_domain(receiver)
        {
            return None;
        }
        let reply = callee.reply.get()?;
        let context = caller.sched_context.get()?;
        let space = self.space_of_thread(receiver)?;
        let priority = callee.priority.get();
        if priority < caller.priority.get() && !self.is_most_important(priority) {
            return None;
        }

        let next = callee.queue_next.take();
        queue.head.set(next);
        match next {
            Some(next) => self.tcb(next).queue_previous.set(None),
            None => queue.tail.set(None),
        }
        callee.blocking_object.set(0);
        callee.reply.set(None);

        let below = self.sched_context(context).reply.replace(Some(reply));
        let state = self.reply(reply);
        state.tcb.set(Some(current));
        state.previous.set(below);
        state.sched_context.set(Some(context));
        if let Some(below) = below {
            let below = self.reply(below);
            below.sched_context.set(None);
            below.next.set(Some(reply));
        }
        caller.reply.set(Some(reply));
        caller.state.set(ThreadState::BlockedOnReply);
        caller.fault_address.set(caller.system_call_address());
        caller.sched_context.set(None);
        self.sched_context(context).tcb.set(Some(receiver));
        callee.sched_context.set(Some(context));
        callee.state.set(ThreadState::Running);
        transfer(caller, callee, capability.badge);
        Some(self.fast_switch(receiver, space))
    }
}
