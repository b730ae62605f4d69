//! Answers, and the way of a lent scheduling context back.

use crate::object::{Reply, ThreadState};
use crate::{Kernel, Machine, ReplyRef, TcbRef};

impl<M: Machine> Kernel<M> {
    /// The caller waits at the reply object; if the callee has no time of its own it borrows the caller's.
    pub(super) fn push_reply(
        &self,
        caller: TcbRef,
        callee: TcbRef,
        reply: ReplyRef,
        can_donate: bool,
    ) {
        let state = self.reply(reply);
        state.tcb.set(Some(caller));
        self.tcb(caller).reply.set(Some(reply));
        self.set_state(caller, ThreadState::BlockedOnReply);
        let Some(context) = self.tcb(caller).sched_context.get() else {
            return;
        };
        if !can_donate || self.tcb(callee).sched_context.get().is_some() {
            return;
        }
        let below = self.sched_context(context).reply.replace(Some(reply));
        state.previous.set(below);
        state.next.set(None);
        state.sched_context.set(Some(context));
        if let Some(below) = below {
            self.reply(below).sched_context.set(None);
            self.reply(below).next.set(Some(reply));
        }
        self.donate(context, callee);
    }

    /// The callee answers or gives up: the caller leaves the reply object, and a lent context goes back.
    pub(crate) fn pop_reply(&self, reply: ReplyRef, caller: TcbRef) {
        let state = self.reply(reply);
        let (previous, next) = (state.previous.take(), state.next.take());
        match (state.sched_context.take(), next) {
            (Some(context), _) => {
                self.sched_context(context).reply.set(previous);
                if let Some(previous) = previous {
                    self.reply(previous).next.set(None);
                    self.reply(previous).sched_context.set(Some(context));
                }
                if self.tcb(caller).sched_context.get().is_none() {
                    self.donate(context, caller);
                }
            }
            (None, next) => {
                // In the middle of a stack: those above will answer to those below.
                if let Some(next) = next {
                    self.reply(next).previous.set(previous);
                }
                if let Some(previous) = previous {
                    self.reply(previous).next.set(next);
                }
            }
        }
        self.unlink_reply(state, caller);
    }

    /// The caller itself goes away: the stack breaks here, and a lent context stays where it is.
    pub(super) fn abandon_reply(&self, caller: TcbRef) {
        let Some(reply) = self.tcb(caller).reply.get() else {
            return;
        };
        let state = self.reply(reply);
        if let Some(context) = state.sched_context.take() {
            self.sched_context(context).reply.set(None);
        }
        if let Some(next) = state.next.take() {
            self.reply(next).previous.set(None);
        }
        if let Some(previous) = state.previous.take() {
            self.reply(previous).next.set(None);
        }
        self.unlink_reply(state, caller);
    }

    fn unlink_reply(&self, reply: &Reply, thread: TcbRef) {
        reply.tcb.set(None);
        self.tcb(thread).reply.set(None);
        self.set_state(thread, ThreadState::Inactive);
    }

    /// `sender` answers through a reply object.
    pub(crate) fn answer(&self, sender: TcbRef, reply: ReplyRef, can_grant: bool) {
        let Some(caller) = self.reply(reply).tcb.get() else {
            return;
        };
        let tcb = self.tcb(caller);
        if tcb.state.get() != ThreadState::BlockedOnReply {
            return;
        }
        self.pop_reply(reply, caller);
        self.begin_sporadic_use(caller);
        let fault = tcb.fault.kind.get();
        if fault == 0 {
            self.transfer_message(sender, caller, None, 0, can_grant);
            self.set_state(caller, ThreadState::Running);
        } else {
            let restart = self.read_fault_reply(sender, caller);
            tcb.fault.kind.set(0);
            let states = [ThreadState::Inactive, ThreadState::Restart];
            self.set_state(caller, states[usize::from(restart)]);
        }
        self.continue_answered(caller, fault);
    }

    /// An answered thread runs if it has time left; if not, its timeout handler hears of it.
    fn continue_answered(&self, caller: TcbRef, fault: u64) {
        let Some(context) = self.tcb(caller).sched_context.get() else {
            return;
        };
        if !self.is_runnable(caller) || self.sched_context(context).refill_max.get() == 0 {
            return;
        }
        if self.is_refill_ready(context) && self.is_refill_sufficient(context, 0) {
            self.possible_switch_to(caller);
        } else if fault != sel4_sys::fault::TIMEOUT && self.has_timeout_handler(caller) {
            self.timeout_fault(caller, context);
        } else {
            self.postpone(context);
        }
    }

    /// The last capability to a reply object is gone.
    pub(crate) fn destroy_reply(&self, reply: ReplyRef) {
        let Some(thread) = self.reply(reply).tcb.get() else {
            return;
        };
        match self.tcb(thread).state.get() {
            ThreadState::BlockedOnReply => self.pop_reply(reply, thread),
            _ => self.cancel_ipc(thread),
        }
    }
}
