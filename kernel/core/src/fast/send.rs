//! Send: signals, and messages to a receiver that waits.

use core::cmp::Ordering;

use super::switch::Ready;
use crate::capability::{Rights, endpoint_of, notification_of};
use crate::message::{BADGE_REGISTER, INFO_REGISTER};
use crate::object::{Notification, Queue, Tcb, ThreadState};
use crate::{Kernel, Machine, Resume, TcbRef};

impl<M: Machine> Kernel<M> {
    #[inline(always)]
    pub(super) fn fast_send(&self, current: TcbRef) -> Option<Resume> {
        let sender = self.tcb(current);
        let slot = self.direct_slot(current, sender.context.get(BADGE_REGISTER))?;
        let words = self.slot(slot).words();
        if let Some(capability) = notification_of(words, Rights::TO_SEND) {
            let notification = self.notification(capability.object);
            let Some(waiter) = notification.queue.head.get() else {
                return self.fast_signal_without_waiter(current, notification, capability.badge);
            };
            let woken = self.fast_wake(sender, waiter)?;
            self.take_first(&notification.queue, waiter);
            let tcb = self.tcb(waiter);
            tcb.set_badge(capability.badge);
            tcb.context.set(INFO_REGISTER, 0);
            return Some(self.go_on(current, woken));
        }
        let capability = endpoint_of(words, Rights::TO_SEND)?;
        let queue = &self.endpoint(capability.object).queue;
        let receiver = queue.head.get()?;
        let tcb = self.tcb(receiver);
        if tcb.state.get() != ThreadState::BlockedOnReceive {
            return None;
        }
        let woken = self.fast_wake(sender, receiver)?;
        self.take_first(queue, receiver);
        if let Some(reply) = tcb.reply.take() {
            self.reply(reply).tcb.set(None);
        }
        self.fast_transfer(current, receiver, capability.badge);
        Some(self.go_on(current, woken))
    }

    /// A signal that nobody waits for is kept, unless the bound thread can take it.
    #[inline(always)]
    fn fast_signal_without_waiter(
        &self,
        current: TcbRef,
        notification: &Notification,
        badge: u64,
    ) -> Option<Resume> {
        use ThreadState::{BlockedOnReceive, RunningGuest};
        if let Some(bound) = notification.bound_tcb.get()
            && let BlockedOnReceive | RunningGuest = self.tcb(bound).state.get()
        {
            return None;
        }
        notification.badge.set(notification.badge.get() | badge);
        notification.active.set(true);
        Some(Resume::User(current))
    }

    /// Checks that a thread that waits can be woken, and run next if it is more important than the sender.
    #[inline(always)]
    fn fast_wake(&self, sender: &Tcb, waiter: TcbRef) -> Option<Ready> {
        let ready = self.as_ready(waiter)?;
        let is_next = self.tcb(waiter).priority.get() > sender.priority.get();
        (!is_next || self.has_time_to_switch()).then_some(ready)
    }

    /// The woken thread runs next or becomes ready.
    #[inline(always)]
    fn go_on(&self, current: TcbRef, woken: Ready) -> Resume {
        let (sender, waiter) = (self.tcb(current), self.tcb(woken.thread));
        waiter.state.set(ThreadState::Running);
        match waiter.priority.get().cmp(&sender.priority.get()) {
            Ordering::Less => self.enqueue_first(woken.thread),
            // Of its equals the current thread goes on first, and the woken one comes last.
            Ordering::Equal => self.enqueue_last(woken.thread),
            Ordering::Greater => {
                sender.fault_address.set(sender.system_call_address());
                self.enqueue_first(current);
                return self.go_to(woken);
            }
        }
        Resume::User(current)
    }

    /// Takes the first thread out of a queue.
    #[inline(always)]
    pub(super) fn take_first(&self, queue: &Queue, first: TcbRef) {
        let tcb = self.tcb(first);
        let next = tcb.queue_next.take();
        queue.head.set(next);
        match next {
            Some(next) => self.tcb(next).queue_previous.set(None),
            None => queue.tail.set(None),
        }
        tcb.blocking_object.set(0);
    }
}
