//! Call to a passive server that waits.

use crate::capability::{Rights, endpoint_of};
use crate::message::BADGE_REGISTER;
use crate::object::ThreadState;
use crate::{Kernel, Machine, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Does the current thread's Call if it is of the common kind, and says who goes on; otherwise changes
    /// nothing.
    #[inline(always)]
    pub fn handle_fast_call(&self, current: TcbRef) -> Option<TcbRef> {
        let caller = self.tcb(current);
        let slot = self.direct_slot(current, caller.context.get(BADGE_REGISTER))?;
        let capability = endpoint_of(self.slot(slot).words(), Rights::TO_SEND)?;
        let rights = capability.rights;
        if !rights.can_grant() && !rights.can_grant_reply() {
            return None;
        }
        let queue = &self.endpoint(capability.object).queue;
        let receiver = queue.head.get()?;
        let callee = self.tcb(receiver);
        if !self.has_plain_message(current)
            || callee.state.get() != ThreadState::BlockedOnReceive
            || callee.sched_context.get().is_some()
            || !self.is_in_current_domain(receiver)
        {
            return None;
        }
        let reply = callee.reply.get()?;
        let context = caller.sched_context.get()?;
        let space = self.space_of_thread(receiver)?;
        let priority = callee.priority.get();
        if priority < caller.priority.get() && !self.core.ready_priorities.has_none_above(priority)
        {
            return None;
        }

        self.take_first(queue, receiver);
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
        self.fast_transfer(current, receiver, capability.badge);
        Some(self.fast_switch(receiver, space))
    }
}
