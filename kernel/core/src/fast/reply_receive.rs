//! ReplyRecv of a passive server that returns its client's time and waits for the next call.

use crate::capability::{Rights, endpoint_of, reply_of};
use crate::message::{BADGE_REGISTER, REPLY_REGISTER};
use crate::object::{Queue, Tcb, ThreadState};
use crate::{Kernel, Machine, SchedContextRef, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Does the current thread's ReplyRecv if it is of the common kind, and says who goes on; otherwise changes
    /// nothing.
    #[inline(always)]
    pub fn handle_fast_reply_receive(&self, current: TcbRef) -> Option<TcbRef> {
        let server = self.tcb(current);
        let slot = self.direct_slot(current, server.context.get(BADGE_REGISTER))?;
        let capability = endpoint_of(self.slot(slot).words(), Rights::TO_RECEIVE)?;
        let slot = self.direct_slot(current, server.context.get(REPLY_REGISTER))?;
        let reply = reply_of(self.slot(slot).words())?;
        let state = self.reply(reply);
        let caller = state.tcb.get()?;
        let client = self.tcb(caller);
        let context = server.sched_context.get()?;
        let queue = &self.endpoint(capability.object).queue;
        if !self.has_plain_message(current)
            || client.state.get() != ThreadState::BlockedOnReply
            || client.fault.kind.get() != 0
            || client.sched_context.get().is_some()
            || !self.is_in_current_domain(caller)
            || state.sched_context.get() != Some(context)
            || self.core.payer.get() != Some(context)
            || !self.may_wait_last(queue, server)
            || self.has_use_for_notification(server, context)
            || !self
                .core
                .ready_priorities
                .has_none_above(client.priority.get())
        {
            return None;
        }
        let space = self.space_of_thread(caller)?;

        let previous = state.previous.take();
        self.sched_context(context).reply.set(previous);
        if let Some(previous) = previous {
            let previous = self.reply(previous);
            previous.next.set(None);
            previous.sched_context.set(Some(context));
        }
        state.sched_context.set(None);
        state.tcb.set(Some(current));
        client.reply.set(None);
        server.reply.set(Some(reply));

        server.sched_context.set(None);
        self.sched_context(context).tcb.set(Some(caller));
        client.sched_context.set(Some(context));
        client.state.set(ThreadState::Running);
        self.fast_transfer(current, caller, 0);

        server.blocking_object.set(capability.object.address());
        server.state.set(ThreadState::BlockedOnReceive);
        server.fault_address.set(server.system_call_address());
        let tail = queue.tail.replace(Some(current));
        server.queue_previous.set(tail);
        match tail {
            Some(tail) => self.tcb(tail).queue_next.set(Some(current)),
            None => queue.head.set(Some(current)),
        }
        Some(self.fast_switch(caller, space))
    }

    /// Whether a thread that now waits to receive belongs at the end of the queue.
    #[inline(always)]
    fn may_wait_last(&self, queue: &Queue, server: &Tcb) -> bool {
        queue.tail.get().is_none_or(|tail| {
            let tail = self.tcb(tail);
            tail.state.get() == ThreadState::BlockedOnReceive
                && tail.priority.get() >= server.priority.get()
        })
    }

    /// Whether the server's bound notification has a signal for it, or gets its time back from it.
    #[inline(always)]
    fn has_use_for_notification(&self, server: &Tcb, context: SchedContextRef) -> bool {
        server.bound_notification.get().is_some_and(|bound| {
            let bound = self.notification(bound);
            bound.active.get() || bound.sched_context.get() == Some(context)
        })
    }
}
