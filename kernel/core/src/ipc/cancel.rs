//! Ending what a thread waits for.

use crate::object::ThreadState;
use crate::{EndpointRef, Kernel, Machine, NotificationRef, TcbRef};

/// Where threads wait for each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Meeting {
    Endpoint(EndpointRef),
    Notification(NotificationRef),
}

impl<M: Machine> Kernel<M> {
    /// The thread no longer waits; if it did, it is inactive then.
    pub(crate) fn cancel_ipc(&self, thread: TcbRef) {
        let tcb = self.tcb(thread);
        tcb.fault.kind.set(0);
        match tcb.state.get() {
            ThreadState::BlockedOnSend | ThreadState::BlockedOnNotification => {
                self.leave_queue(thread);
                self.set_state(thread, ThreadState::Inactive);
            }
            ThreadState::BlockedOnReceive => {
                self.leave_queue(thread);
                self.take_receive_reply(thread);
                self.set_state(thread, ThreadState::Inactive);
            }
            ThreadState::BlockedOnReply => self.abandon_reply(thread),
            _ => (),
        }
    }

    /// An object is going away: the first who waits there starts over (and finds no object). Answers whether
    /// there was one.
    pub(crate) fn cancel_first_wait(&self, at: Meeting) -> bool {
        let queue = match at {
            Meeting::Endpoint(endpoint) => &self.endpoint(endpoint).queue,
            Meeting::Notification(notification) => &self.notification(notification).queue,
        };
        let Some(thread) = queue.head.get() else {
            return false;
        };
        let fault = self.tcb(thread).fault.kind.get();
        self.cancel_wait(thread, state_after_cancel(fault));
        true
    }

    /// All who wait to send with this badge start over.
    pub(crate) fn cancel_badged_sends(&self, endpoint: EndpointRef, badge: u64) {
        let queue = &self.endpoint(endpoint).queue;
        let mut next = self.first_waiter(queue, ThreadState::BlockedOnSend);
        while let Some(thread) = next {
            let tcb = self.tcb(thread);
            next = tcb.queue_next.get();
            if tcb.waiting.badge.get() == badge {
                self.cancel_wait(thread, state_after_cancel(tcb.fault.kind.get()));
            }
        }
    }

    /// Ends one thread's waiting in a queue. A thread that waits to report a fault cannot repeat that: it
    /// stops, as one whose handler is gone.
    fn cancel_wait(&self, thread: TcbRef, then: ThreadState) {
        self.leave_queue(thread);
        self.take_receive_reply(thread);
        self.set_state(thread, then);
        if then == ThreadState::Restart {
            self.begin_sporadic_use(thread);
            if let Some(context) = self.tcb(thread).sched_context.get() {
                self.resume_context(context);
            }
            if self.is_schedulable(thread) {
                self.enqueue_first(thread);
            }
        }
        self.reschedule();
    }
}

const fn state_after_cancel(kind: u64) -> ThreadState {
    if kind == 0 {
        ThreadState::Restart
    } else {
        ThreadState::Inactive
    }
}
