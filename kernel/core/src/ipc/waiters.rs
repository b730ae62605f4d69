//! Queues of waiting threads: by priority, and first come first served within one.

use crate::object::{Queue, ThreadState};
use crate::{EndpointRef, Kernel, Machine, NotificationRef, TcbRef};

impl<M: Machine> Kernel<M> {
    pub(super) fn enqueue_waiter(&self, queue: &Queue, thread: TcbRef) {
        let tcb = self.tcb(thread);
        let priority = tcb.priority.get();
        let mut before = queue.tail.get();
        let mut after = None;
        while let Some(other) = before
            && self.tcb(other).priority.get() < priority
        {
            after = before;
            before = self.tcb(other).queue_previous.get();
        }
        tcb.queue_previous.set(before);
        tcb.queue_next.set(after);
        match before {
            Some(before) => self.tcb(before).queue_next.set(Some(thread)),
            None => queue.head.set(Some(thread)),
        }
        match after {
            Some(after) => self.tcb(after).queue_previous.set(Some(thread)),
            None => queue.tail.set(Some(thread)),
        }
    }

    pub(super) fn dequeue_waiter(&self, queue: &Queue, thread: TcbRef) {
        let tcb = self.tcb(thread);
        let (previous, next) = (tcb.queue_previous.take(), tcb.queue_next.take());
        match previous {
            Some(previous) => self.tcb(previous).queue_next.set(next),
            None => queue.head.set(next),
        }
        match next {
            Some(next) => self.tcb(next).queue_previous.set(previous),
            None => queue.tail.set(previous),
        }
        tcb.blocking_object.set(0);
    }

    /// The queue in which a thread waits.
    fn waiting_queue(&self, thread: TcbRef) -> Option<&Queue> {
        let tcb = self.tcb(thread);
        let object = tcb.blocking_object.get();
        match tcb.state.get() {
            ThreadState::BlockedOnSend | ThreadState::BlockedOnReceive => {
                EndpointRef::new(object).map(|endpoint| &self.endpoint(endpoint).queue)
            }
            ThreadState::BlockedOnNotification => NotificationRef::new(object)
                .map(|notification| &self.notification(notification).queue),
            _ => None,
        }
    }

    /// Takes a thread out of the queue in which it waits.
    pub(super) fn leave_queue(&self, thread: TcbRef) {
        if let Some(queue) = self.waiting_queue(thread) {
            self.dequeue_waiter(queue, thread);
        }
    }

    /// Gives a waiting thread the place that its new priority deserves.
    pub(crate) fn requeue_waiter(&self, thread: TcbRef) {
        if let Some(queue) = self.waiting_queue(thread) {
            let object = self.tcb(thread).blocking_object.get();
            self.dequeue_waiter(queue, thread);
            self.enqueue_waiter(queue, thread);
            self.tcb(thread).blocking_object.set(object);
        }
    }

    /// The first thread of a queue, if it is in this state.
    pub(super) fn first_waiter(&self, queue: &Queue, state: ThreadState) -> Option<TcbRef> {
        queue
            .head
            .get()
            .filter(|head| self.tcb(*head).state.get() == state)
    }
}
