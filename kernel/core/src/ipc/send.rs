//! Sending to an endpoint.

use crate::capability::Endpoint;
use crate::object::ThreadState;
use crate::{Kernel, Machine, ReplyRef, TcbRef};

/// What a sender wants and may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sending {
    pub(crate) to: Endpoint,
    /// The receiver runs on the sender's time if it has none of its own.
    pub(crate) can_donate: bool,
    pub(crate) delivery: Delivery,
}

/// What a sender does about an answer, and about a receiver that is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Delivery {
    /// Waits for a receiver, then for its answer.
    Call,
    /// Waits for a receiver.
    Blocking,
    /// The message is lost without a receiver.
    NonBlocking,
    /// The first half of a system call that receives in its second half: as NonBlocking, and lends its time.
    FirstHalf,
}

impl Delivery {
    /// Whether nobody waits: neither for a receiver nor for an answer, and no fault tells of a capability that
    /// is not there.
    pub(crate) fn is_lossy(self) -> bool {
        matches!(self, Self::NonBlocking | Self::FirstHalf)
    }
}

impl<M: Machine> Kernel<M> {
    /// `thread` sends its message (or its fault) to an endpoint.
    pub(crate) fn send(&self, thread: TcbRef, sending: Sending) {
        let queue = &self.endpoint(sending.to.object).queue;
        match self.first_waiter(queue, ThreadState::BlockedOnReceive) {
            Some(receiver) => {
                self.dequeue_waiter(queue, receiver);
                self.deliver(thread, receiver, sending);
            }
            None if sending.delivery.is_lossy() => (),
            None => self.wait_to_send(thread, sending),
        }
    }

    fn wait_to_send(&self, thread: TcbRef, sending: Sending) {
        let tcb = self.tcb(thread);
        let Endpoint {
            object,
            badge,
            rights,
        } = sending.to;
        tcb.blocking_object.set(object.address());
        tcb.waiting.badge.set(badge);
        tcb.waiting.rights.set(rights);
        tcb.waiting.is_call.set(sending.delivery == Delivery::Call);
        self.set_state(thread, ThreadState::BlockedOnSend);
        self.enqueue_waiter(&self.endpoint(object).queue, thread);
    }

    fn deliver(&self, thread: TcbRef, receiver: TcbRef, sending: Sending) {
        let Endpoint {
            object,
            badge,
            rights,
        } = sending.to;
        let can_grant = rights.can_grant();
        self.transfer_message(thread, receiver, Some(object), badge, can_grant);
        let reply = self.take_receive_reply(receiver);
        let wants_answer =
            sending.delivery == Delivery::Call || self.tcb(thread).fault.kind.get() != 0;
        if wants_answer {
            let reply = reply.filter(|_| rights.can_call());
            self.await_answer(thread, receiver, reply, sending.can_donate);
        } else if sending.can_donate
            && self.tcb(receiver).sched_context.get().is_none()
            && let Some(context) = self.tcb(thread).sched_context.get()
        {
            self.donate(context, receiver);
        }
        self.wake(receiver);
    }

    /// The sender waits for its answer at the reply object; without one it waits for ever.
    pub(super) fn await_answer(
        &self,
        sender: TcbRef,
        receiver: TcbRef,
        reply: Option<ReplyRef>,
        can_donate: bool,
    ) {
        match reply {
            Some(reply) => self.push_reply(sender, receiver, reply, can_donate),
            None => self.set_state(sender, ThreadState::Inactive),
        }
    }

    /// A thread that waited goes on.
    pub(super) fn wake(&self, thread: TcbRef) {
        self.begin_sporadic_use(thread);
        self.set_state(thread, ThreadState::Running);
        self.possible_switch_to(thread);
    }

    /// Takes from a receiver the reply object it waited with.
    pub(super) fn take_receive_reply(&self, receiver: TcbRef) -> Option<ReplyRef> {
        let reply = self.tcb(receiver).reply.take();
        if let Some(reply) = reply {
            self.reply(reply).tcb.set(None);
        }
        reply
    }
}
