//! Threads stop, start, and change their priority.

use crate::object::ThreadState;
use crate::{Kernel, Machine, TcbRef};

impl ThreadState {
    /// Whether a thread in this state can run code.
    pub(crate) const fn is_runnable(self) -> bool {
        matches!(self, Self::Running | Self::Restart | Self::RunningGuest)
    }

    /// Whether a thread in this state waits for somebody.
    pub(crate) const fn is_blocked(self) -> bool {
        matches!(
            self,
            Self::BlockedOnReceive
                | Self::BlockedOnSend
                | Self::BlockedOnReply
                | Self::BlockedOnNotification
        )
    }
}

impl<M: Machine> Kernel<M> {
    pub(crate) fn is_runnable(&self, thread: TcbRef) -> bool {
        self.tcb(thread).state.get().is_runnable()
    }

    pub(crate) fn is_blocked(&self, thread: TcbRef) -> bool {
        self.tcb(thread).state.get().is_blocked()
    }

    /// Whether the thread can run code and has time to do it.
    pub(crate) fn is_schedulable(&self, thread: TcbRef) -> bool {
        let tcb = self.tcb(thread);
        self.is_runnable(thread)
            && !tcb.in_release_queue.get()
            && tcb
                .sched_context
                .get()
                .is_some_and(|context| self.sched_context(context).refill_max.get() > 0)
    }

    /// Changes what a thread is doing.
    pub(crate) fn set_state(&self, thread: TcbRef, state: ThreadState) {
        self.tcb(thread).state.set(state);
        if self.core.current.get() == Some(thread) && !self.is_schedulable(thread) {
            self.reschedule();
        }
    }

    /// Stops a thread, whatever it does or waits for.
    pub(crate) fn suspend(&self, thread: TcbRef) {
        self.cancel_ipc(thread);
        let tcb = self.tcb(thread);
        match tcb.state.get() {
            // It was about to repeat a system call: the address to go on from is where that call is.
            ThreadState::Running => tcb.fault_address.set(tcb.context.get(crate::Register::Rip)),
            ThreadState::RunningGuest => drop(self.leave_guest(thread)),
            _ => (),
        }
        self.set_state(thread, ThreadState::Inactive);
        self.dequeue(thread);
        self.dequeue_release(thread);
        self.cancel_yield_to(thread);
    }

    /// Starts a stopped or waiting thread; what it waited for is repeated.
    pub(crate) fn restart(&self, thread: TcbRef) {
        if !self.is_blocked(thread) && self.tcb(thread).state.get() != ThreadState::Inactive {
            return;
        }
        self.cancel_ipc(thread);
        self.set_state(thread, ThreadState::Restart);
        self.begin_sporadic_use(thread);
        if let Some(context) = self.tcb(thread).sched_context.get() {
            self.resume_context(context);
        }
        if self.is_schedulable(thread) {
            self.possible_switch_to(thread);
        }
    }

    /// Changes a thread's priority, and its place in the queue where it stands.
    pub(crate) fn set_priority(&self, thread: TcbRef, priority: u8) {
        let tcb = self.tcb(thread);
        match tcb.state.get() {
            state if state.is_runnable() => {
                let was_ready = tcb.in_ready_queue.get();
                self.dequeue(thread);
                tcb.priority.set(priority);
                if was_ready {
                    self.enqueue_first(thread);
                }
                self.reschedule();
            }
            ThreadState::BlockedOnReceive
            | ThreadState::BlockedOnSend
            | ThreadState::BlockedOnNotification => {
                tcb.priority.set(priority);
                self.requeue_waiter(thread);
            }
            _ => tcb.priority.set(priority),
        }
    }
}
