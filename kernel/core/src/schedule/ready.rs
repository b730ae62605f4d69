//! Ready queues: one for each priority of each domain.

use crate::core_state::DOMAINS;
use crate::object::Queue;
use crate::{Kernel, Machine, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Puts a thread before all others of its priority, unless it stands in the queue already.
    pub(crate) fn enqueue_first(&self, thread: TcbRef) {
        let tcb = self.tcb(thread);
        if tcb.in_ready_queue.get() {
            return;
        }
        let queue = self.ready_queue(thread);
        let head = queue.head.get();
        tcb.ready_previous.set(None);
        tcb.ready_next.set(head);
        match head {
            Some(head) => self.tcb(head).ready_previous.set(Some(thread)),
            None => {
                queue.tail.set(Some(thread));
                self.ready_priorities_of(tcb.domain.get())
                    .insert(tcb.priority.get());
            }
        }
        queue.head.set(Some(thread));
        tcb.in_ready_queue.set(true);
    }

    /// Puts a thread behind all others of its priority, unless it stands in the queue already.
    pub(crate) fn enqueue_last(&self, thread: TcbRef) {
        let tcb = self.tcb(thread);
        if tcb.in_ready_queue.get() {
            return;
        }
        let queue = self.ready_queue(thread);
        match queue.tail.get() {
            Some(tail) => {
                tcb.ready_previous.set(Some(tail));
                tcb.ready_next.set(None);
                self.tcb(tail).ready_next.set(Some(thread));
                queue.tail.set(Some(thread));
                tcb.in_ready_queue.set(true);
            }
            None => self.enqueue_first(thread),
        }
    }

    /// Takes a thread out of its ready queue, if it stands there.
    pub(crate) fn dequeue(&self, thread: TcbRef) {
        let tcb = self.tcb(thread);
        if !tcb.in_ready_queue.replace(false) {
            return;
        }
        let queue = self.ready_queue(thread);
        let (previous, next) = (tcb.ready_previous.take(), tcb.ready_next.take());
        match previous {
            Some(previous) => self.tcb(previous).ready_next.set(next),
            None => queue.head.set(next),
        }
        match next {
            Some(next) => self.tcb(next).ready_previous.set(previous),
            None => queue.tail.set(previous),
        }
        if queue.head.get().is_none() {
            self.ready_priorities_of(tcb.domain.get())
                .remove(tcb.priority.get());
        }
    }

    /// The first of the most important ready threads.
    #[inline(always)]
    pub(crate) fn first_ready(&self) -> Option<TcbRef> {
        let priority = self.core.ready_priorities.highest()?;
        let domain = self.core.domains.current.get();
        self.queue_of(domain, priority).head.get()
    }

    fn ready_queue(&self, thread: TcbRef) -> &Queue {
        let tcb = self.tcb(thread);
        self.queue_of(tcb.domain.get(), tcb.priority.get())
    }

    #[inline(always)]
    fn queue_of(&self, domain: u8, priority: u8) -> &Queue {
        // The remainder of a domain is that domain, which the compiler cannot know.
        &self.core.ready[usize::from(domain % DOMAINS)][usize::from(priority)]
    }
}
