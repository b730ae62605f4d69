//! The release queue: threads that wait for their next refill, earliest first.

use crate::{Kernel, Machine, TcbRef};

/// The most threads that one entry into the kernel makes ready because their time has come.
const RELEASES_PER_ENTRY: usize = 16;

impl<M: Machine> Kernel<M> {
    /// When the thread's scheduling context may be used again.
    pub(crate) fn release_time(&self, thread: TcbRef) -> u64 {
        self.tcb(thread)
            .sched_context
            .get()
            .map_or(0, |context| self.refill_head(context).time.get())
    }

    /// Puts a thread that stands in no queue into the release queue.
    pub(crate) fn enqueue_release(&self, thread: TcbRef) {
        let time = self.release_time(thread);
        let mut before = None;
        let mut after = self.core.release.get();
        while let Some(other) = after
            && self.release_time(other) <= time
        {
            before = after;
            after = self.tcb(other).ready_next.get();
        }
        let tcb = self.tcb(thread);
        tcb.ready_previous.set(before);
        tcb.ready_next.set(after);
        tcb.in_release_queue.set(true);
        if let Some(after) = after {
            self.tcb(after).ready_previous.set(Some(thread));
        }
        match before {
            Some(before) => self.tcb(before).ready_next.set(Some(thread)),
            None => {
                self.core.release.set(Some(thread));
                self.core.timer_is_stale.set(true);
            }
        }
    }

    /// Takes a thread out of the release queue, if it stands there.
    pub(crate) fn dequeue_release(&self, thread: TcbRef) {
        let tcb = self.tcb(thread);
        if !tcb.in_release_queue.replace(false) {
            return;
        }
        let (previous, next) = (tcb.ready_previous.take(), tcb.ready_next.take());
        if let Some(next) = next {
            self.tcb(next).ready_previous.set(previous);
        }
        match previous {
            Some(previous) => self.tcb(previous).ready_next.set(next),
            None => {
                self.core.release.set(next);
                self.core.timer_is_stale.set(true);
            }
        }
    }

    /// Makes threads ready whose time has come. If there are many, the rest is left for the timer's interrupt,
    /// which is due then at once.
    pub(crate) fn release_due_threads(&self) {
        for _ in 0..RELEASES_PER_ENTRY {
            let Some(first) = self.core.release.get() else {
                return;
            };
            let context = self.tcb(first).sched_context.get();
            if !context.is_some_and(|context| self.is_refill_ready(context)) {
                return;
            }
            self.dequeue_release(first);
            self.possible_switch_to(first);
        }
    }
}
