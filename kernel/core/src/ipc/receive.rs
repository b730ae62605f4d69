//! Receiving from an endpoint.

use crate::object::ThreadState;
use crate::{EndpointRef, Kernel, Machine, ReplyRef, TcbRef};

/// What a receiver or waiter does when nothing is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Blocking {
    Wait,
    Poll,
}

impl<M: Machine> Kernel<M> {
    /// `thread` receives from an endpoint; a signal to its bound notification comes first.
    pub(crate) fn receive(
        &self,
        thread: TcbRef,
        from: EndpointRef,
        reply: Option<ReplyRef>,
        blocking: Blocking,
    ) {
        if let Some(reply) = reply {
            self.vacate_reply(reply, thread);
        }
        let bound = self.tcb(thread).bound_notification.get();
        if let Some(notification) = bound {
            if self.notification(notification).active.get() {
                return self.take_signal(notification, thread);
            }
            if blocking == Blocking::Wait {
                self.maybe_return(notification, thread);
            }
        }
        let queue = &self.endpoint(from).queue;
        match self.first_waiter(queue, ThreadState::BlockedOnSend) {
            Some(sender) => {
                self.dequeue_waiter(queue, sender);
                self.receive_from(thread, sender, from, reply);
            }
            None if blocking == Blocking::Poll => self.tcb(thread).set_badge(0),
            None => {
                let tcb = self.tcb(thread);
                tcb.blocking_object.set(from.address());
                tcb.reply.set(reply);
                if let Some(reply) = reply {
                    self.reply(reply).tcb.set(Some(thread));
                }
                self.set_state(thread, ThreadState::BlockedOnReceive);
                self.enqueue_waiter(queue, thread);
            }
        }
    }

    fn receive_from(
        &self,
        thread: TcbRef,
        sender: TcbRef,
        from: EndpointRef,
        reply: Option<ReplyRef>,
    ) {
        let tcb = self.tcb(sender);
        let waiting = &tcb.waiting;
        let (badge, rights) = (waiting.badge.get(), waiting.rights.get());
        self.transfer_message(sender, thread, Some(from), badge, rights.can_grant());
        self.begin_sporadic_use(sender);
        let fault = tcb.fault.kind.get();
        if waiting.is_call.get() || fault != 0 {
            // Time that has run out is not lent.
            let can_donate = tcb.sched_context.get().is_some() && fault != sel4_sys::fault::TIMEOUT;
            self.await_answer(
                sender,
                thread,
                reply.filter(|_| rights.can_call()),
                can_donate,
            );
        } else {
            self.set_state(sender, ThreadState::Running);
            self.possible_switch_to(sender);
        }
    }

    /// Frees a reply object that another thread uses: that thread's call will never be answered.
    fn vacate_reply(&self, reply: ReplyRef, receiver: TcbRef) {
        if let Some(other) = self.reply(reply).tcb.get()
            && other != receiver
        {
            self.cancel_ipc(other);
        }
    }
}
