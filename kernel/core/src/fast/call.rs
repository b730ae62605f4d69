//! Call to a server that waits, with time of its own or without.

use super::Cases;
use crate::address::TcbSlot;
use crate::capability::{CapRights, Endpoint, endpoint_of};
use crate::fault::FaultReport;
use crate::message::BADGE_REGISTER;
use crate::object::ThreadState;
use crate::{Kernel, Machine, ReplyRef, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Does the current thread's Call if it is of the common kind, and says who goes on; otherwise changes
    /// nothing.
    #[inline(always)]
    pub fn handle_fast_call(&self, current: TcbRef) -> Option<TcbRef> {
        self.fast_call(current, Cases::Common, None)
    }

    /// Calls the server behind a capability, or the handler of a fault, if it waits and can go on at once, and
    /// says so by its name; otherwise changes nothing.
    #[inline(always)]
    pub(super) fn fast_call(
        &self,
        current: TcbRef,
        cases: Cases,
        fault: Option<&FaultReport>,
    ) -> Option<TcbRef> {
        let slot = if fault.is_some() {
            current.slot(TcbSlot::FaultHandler)
        } else if self.has_plain_message(current) {
            let address = self.tcb(current).context.get(BADGE_REGISTER);
            self.direct_slot(current, address)?
        } else {
            return None;
        };
        let words = self.slot(slot).words();
        let capability = endpoint_of(words, CapRights::WRITE)?;
        if !capability.rights.can_call() {
            return None;
        }
        let thread = self.endpoint(capability.object).queue.head.get()?;
        let (caller, server) = (self.tcb(current), self.tcb(thread));
        if server.state.get() != ThreadState::BlockedOnReceive {
            return None;
        }
        if cases == Cases::Common && server.sched_context.get().is_some() {
            return self.fast_call_to_any(current, fault);
        }
        let reply = server.reply.get()?;
        if server.sched_context.get().is_some() {
            let can_go = self.goes_before_all_ready(server) && self.can_go_to(thread);
            if !can_go || !self.has_time_to_switch() {
                return None;
            }
            self.hand_call_over(current, &capability, thread, reply, fault);
            return Some(self.go_to(thread));
        }
        if !self.is_in_current_domain(thread) {
            return None;
        }
        let context = caller.sched_context.get()?;
        let space = self.space_of_thread(thread)?;
        if !self.goes_before_all_ready(server) {
            return None;
        }
        let below = self.sched_context(context).reply.replace(Some(reply));
        let state = self.reply(reply);
        state.previous.set(below);
        state.sched_context.set(Some(context));
        if let Some(below) = below {
            let below = self.reply(below);
            below.sched_context.set(None);
            below.next.set(Some(reply));
        }
        self.lend(context, caller, thread);
        self.hand_call_over(current, &capability, thread, reply, fault);
        Some(self.go_to_borrower(thread, space))
    }

    /// The same, also of a server with time of its own; apart, where it costs the others no registers.
    #[cold]
    fn fast_call_to_any(&self, current: TcbRef, fault: Option<&FaultReport>) -> Option<TcbRef> {
        self.fast_call(current, Cases::All, fault)
    }

    /// The server gets the message, and the caller waits at its reply object.
    #[inline(always)]
    fn hand_call_over(
        &self,
        current: TcbRef,
        capability: &Endpoint,
        thread: TcbRef,
        reply: ReplyRef,
        fault: Option<&FaultReport>,
    ) {
        let (caller, server) = (self.tcb(current), self.tcb(thread));
        self.take_first(&self.endpoint(capability.object).queue, thread);
        self.reply(reply).tcb.set(Some(current));
        server.reply.set(None);
        server.state.set(ThreadState::Running);
        caller.reply.set(Some(reply));
        caller.state.set(ThreadState::BlockedOnReply);
        if let Some(report) = fault {
            self.fast_fault_message(caller, thread, report);
            server.set_badge(capability.badge);
        } else {
            caller.fault_address.set(caller.system_call_address());
            self.fast_transfer(current, thread, capability.badge);
        }
    }
}
