//! ReplyRecv: a server or fault handler answers, returns what time it was lent, and waits for the next call.

use super::Cases;
use crate::capability::{CapRights, endpoint_of, reply_of};
use crate::message::{BADGE_REGISTER, REPLY_REGISTER};
use crate::object::{Queue, Tcb, ThreadState};
use crate::{EndpointRef, Kernel, Machine, ReplyRef, SchedContextRef, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Does the current thread's ReplyRecv if it is of the common kind, and says who goes on; otherwise changes
    /// nothing.
    #[inline(always)]
    pub fn handle_fast_reply_receive(&self, current: TcbRef) -> Option<TcbRef> {
        self.fast_reply_receive(current, Cases::Common)
    }

    /// The same, also to a client with time of its own, or one that waits for the answer to a fault; apart, as
    /// for Call.
    #[cold]
    fn fast_reply_receive_to_any(&self, current: TcbRef) -> Option<TcbRef> {
        self.fast_reply_receive(current, Cases::All)
    }

    #[inline(always)]
    fn fast_reply_receive(&self, current: TcbRef, cases: Cases) -> Option<TcbRef> {
        let server = self.tcb(current);
        let slot = self.direct_slot(current, server.context.get(BADGE_REGISTER))?;
        let capability = endpoint_of(self.slot(slot).words(), CapRights::READ)?;
        let slot = self.direct_slot(current, server.context.get(REPLY_REGISTER))?;
        let reply = reply_of(self.slot(slot).words())?;
        let state = self.reply(reply);
        let caller = state.tcb.get()?;
        let client = self.tcb(caller);
        let (fault, own) = (client.fault.kind.get(), client.sched_context.get());
        if cases == Cases::Common && (fault != 0 || own.is_some()) {
            return self.fast_reply_receive_to_any(current);
        }
        let context = server.sched_context.get()?;
        let queue = &self.endpoint(capability.object).queue;
        if !self.has_plain_message(current)
            || client.state.get() != ThreadState::BlockedOnReply
            || !self.lets_go_on(server, fault)
            || !self.may_wait_last(queue, server)
            || self.has_use_for_notification(server, context)
            || !self.goes_before_all_ready(client)
        {
            return None;
        }
        if let Some(own) = own {
            let is_alone = state.sched_context.get().is_none()
                && state.previous.get().is_none()
                && state.next.get().is_none();
            if !is_alone
                || !self.can_go_to(caller)
                || !self.has_time_to_switch()
                || !self.has_budget(own)
            {
                return None;
            }
            self.fast_answer(current, caller, fault);
            self.receive_with(reply, current, capability.object);
            return Some(self.go_to(caller));
        }
        if state.sched_context.get() != Some(context)
            || self.core.payer.get() != Some(context)
            || !self.is_in_current_domain(caller)
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
        self.lend(context, server, caller);
        self.fast_answer(current, caller, fault);
        self.receive_with(reply, current, capability.object);
        Some(self.go_to_borrower(caller, space))
    }

    /// Hands the answer over; the client waits no longer.
    #[inline(always)]
    fn fast_answer(&self, server: TcbRef, client: TcbRef, fault: u64) {
        let to = self.tcb(client);
        to.reply.set(None);
        to.state.set(ThreadState::Running);
        if fault == 0 {
            self.fast_transfer(server, client, 0);
        } else {
            self.fast_fault_answer(self.tcb(server), to, fault);
        }
    }

    /// The server waits at the end of the endpoint's queue.
    #[inline(always)]
    fn receive_with(&self, reply: ReplyRef, server: TcbRef, from: EndpointRef) {
        let (tcb, queue) = (self.tcb(server), &self.endpoint(from).queue);
        self.reply(reply).tcb.set(Some(server));
        tcb.reply.set(Some(reply));
        tcb.blocking_object.set(from.address());
        tcb.state.set(ThreadState::BlockedOnReceive);
        tcb.fault_address.set(tcb.system_call_address());
        let tail = queue.tail.replace(Some(server));
        tcb.queue_previous.set(tail);
        match tail {
            Some(tail) => self.tcb(tail).queue_next.set(Some(server)),
            None => queue.head.set(Some(server)),
        }
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
