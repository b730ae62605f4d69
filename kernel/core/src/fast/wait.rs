//! Wait on a notification: its signal is there, or the next ready thread runs.

use crate::capability::{Rights, notification_of};
use crate::message::{BADGE_REGISTER, INFO_REGISTER};
use crate::object::ThreadState;
use crate::{Kernel, Machine, Resume, TcbRef};

impl<M: Machine> Kernel<M> {
    #[inline(always)]
    pub(super) fn fast_wait(&self, current: TcbRef) -> Option<Resume> {
        let waiter = self.tcb(current);
        let slot = self.direct_slot(current, waiter.context.get(BADGE_REGISTER))?;
        let capability = notification_of(self.slot(slot).words(), Rights::TO_RECEIVE)?;
        let notification = self.notification(capability.object);
        let bound = notification.bound_tcb.get();
        let is_mine = bound.is_none_or(|bound| bound == current);
        let context = waiter.sched_context.get()?;
        if !is_mine
            || notification.sched_context.get() == Some(context)
            || self.core.payer.get() != Some(context)
        {
            return None;
        }
        if notification.active.take() {
            waiter.set_badge(notification.badge.take());
            waiter.context.set(INFO_REGISTER, 0);
            return Some(Resume::User(current));
        }
        if notification.queue.head.get().is_some() {
            return None;
        }
        let priority = self.core.ready_priorities.highest()?;
        let ready = &self.core.ready[usize::from(waiter.domain.get())];
        let next = ready[usize::from(priority)].head.get()?;
        let next = self.as_ready(next)?;
        if !self.has_time_to_switch() {
            return None;
        }
        waiter.state.set(ThreadState::BlockedOnNotification);
        waiter.fault_address.set(waiter.system_call_address());
        waiter.blocking_object.set(capability.object.address());
        notification.queue.head.set(Some(current));
        notification.queue.tail.set(Some(current));
        self.dequeue(next.thread);
        Some(self.go_to(next))
    }
}
