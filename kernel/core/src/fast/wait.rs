//! Wait on a notification, by itself or after a signal to another: the awaited signal is there, or the most
//! important ready thread runs.

use super::send::Signal;
use crate::capability::{CapRights, notification_of};
use crate::message::{BADGE_REGISTER, INFO_REGISTER, REPLY_REGISTER};
use crate::object::ThreadState;
use crate::{Kernel, Machine, NotificationRef, Resume, TcbRef};

impl<M: Machine> Kernel<M> {
    #[inline(always)]
    pub(super) fn fast_wait(&self, current: TcbRef) -> Option<Resume> {
        let on = self.awaited(current)?;
        self.fast_signal_and_wait(current, on, None)
    }

    #[inline(always)]
    pub(super) fn fast_send_wait(&self, current: TcbRef) -> Option<Resume> {
        let on = self.awaited(current)?;
        let address = self.tcb(current).context.get(REPLY_REGISTER);
        let slot = self.direct_slot(current, address)?;
        let to = notification_of(self.slot(slot).words(), CapRights::WRITE)?;
        let signal = self.fast_signal(&to)?;
        (to.object != on)
            .then(|| self.fast_signal_and_wait(current, on, Some(signal)))
            .flatten()
    }

    /// The notification on which the current thread wants to wait, if it may.
    #[inline(always)]
    fn awaited(&self, current: TcbRef) -> Option<NotificationRef> {
        let waiter = self.tcb(current);
        let slot = self.direct_slot(current, waiter.context.get(BADGE_REGISTER))?;
        let on = notification_of(self.slot(slot).words(), CapRights::READ)?.object;
        let notification = self.notification(on);
        let context = waiter.sched_context.get()?;
        let bound = notification.bound_tcb.get();
        let may_wait = bound.is_none_or(|bound| bound == current)
            && notification.sched_context.get() != Some(context)
            && self.core.payer.get() == Some(context);
        may_wait.then_some(on)
    }

    #[inline(always)]
    fn fast_signal_and_wait(
        &self,
        current: TcbRef,
        on: NotificationRef,
        signal: Option<Signal<'_>>,
    ) -> Option<Resume> {
        let (waiter, notification) = (self.tcb(current), self.notification(on));
        let woken = signal.as_ref().and_then(|signal| signal.wakes);
        if notification.active.get() {
            if signal.is_some() {
                return None;
            }
            notification.active.set(false);
            waiter.set_badge(notification.badge.take());
            waiter.context.set(INFO_REGISTER, 0);
            return Some(Resume::User(current));
        }
        if notification.queue.head.get().is_some() {
            return None;
        }
        // A woken thread goes before its equals.
        let priorities = &self.core.ready_priorities;
        let next = match woken {
            Some(woken) if priorities.has_none_above(self.tcb(woken).priority.get()) => woken,
            _ => self.first_ready()?,
        };
        if !self.can_go_to(next) || !self.has_time_to_switch() {
            return None;
        }
        if let Some(signal) = signal {
            self.deliver_signal(signal);
        }
        waiter.state.set(ThreadState::BlockedOnNotification);
        waiter.fault_address.set(waiter.system_call_address());
        waiter.blocking_object.set(on.address());
        notification.queue.head.set(Some(current));
        notification.queue.tail.set(Some(current));
        if let Some(woken) = woken {
            self.tcb(woken).state.set(ThreadState::Running);
            if woken != next {
                self.enqueue_first(woken);
            }
        }
        self.dequeue(next);
        let next = self.go_to(next);
        Some(self.resume(Some(next)))
    }
}
