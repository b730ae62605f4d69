//! Signals.

use sel4_sys::MessageInfo;

use super::{Blocking, Meeting};
use crate::object::ThreadState;
use crate::{Kernel, Machine, NotificationRef, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Sends a signal: to a waiting thread, or kept until somebody waits.
    pub(crate) fn signal(&self, to: NotificationRef, badge: u64) {
        let notification = self.notification(to);
        if let Some(waiter) = notification.queue.head.get() {
            self.dequeue_waiter(&notification.queue, waiter);
            return self.wake_with(to, waiter, badge);
        }
        if let Some(bound) = notification.bound_tcb.get() {
            match self.tcb(bound).state.get() {
                ThreadState::BlockedOnReceive => {
                    self.cancel_ipc(bound);
                    return self.wake_with(to, bound, badge);
                }
                ThreadState::RunningGuest => {
                    return self.signal_guest_runner(bound, badge);
                }
                _ => (),
            }
        }
        let pending = if notification.active.get() {
            notification.badge.get()
        } else {
            0
        };
        notification.badge.set(pending | badge);
        notification.active.set(true);
    }

    fn wake_with(&self, notification: NotificationRef, thread: TcbRef, badge: u64) {
        let tcb = self.tcb(thread);
        tcb.set_badge(badge);
        tcb.set_message_info(MessageInfo::new(0, 0, 0));
        self.set_state(thread, ThreadState::Running);
        self.maybe_donate(notification, thread);
        self.begin_sporadic_use(thread);
        self.possible_switch_to(thread);
    }

    /// `thread` waits for a signal.
    pub(crate) fn wait(&self, thread: TcbRef, on: NotificationRef, blocking: Blocking) {
        let notification = self.notification(on);
        if notification.active.get() {
            self.take_signal(on, thread);
        } else if blocking == Blocking::Poll {
            self.tcb(thread).set_badge(0);
        } else {
            self.tcb(thread).blocking_object.set(on.address());
            self.set_state(thread, ThreadState::BlockedOnNotification);
            self.maybe_return(on, thread);
            self.enqueue_waiter(&notification.queue, thread);
        }
    }

    /// Gives a pending signal to a thread.
    pub(crate) fn take_signal(&self, from: NotificationRef, thread: TcbRef) {
        let notification = self.notification(from);
        notification.active.set(false);
        let tcb = self.tcb(thread);
        tcb.set_badge(notification.badge.take());
        tcb.set_message_info(MessageInfo::new(0, 0, 0));
        self.maybe_donate(from, thread);
    }

    /// Signals to the notification reach the thread while it receives or runs a guest.
    pub(crate) fn bind_notification(&self, thread: TcbRef, notification: NotificationRef) {
        self.tcb(thread).bound_notification.set(Some(notification));
        self.notification(notification).bound_tcb.set(Some(thread));
    }

    /// Ends the thread's binding, if it has one.
    pub(crate) fn unbind_notification(&self, thread: TcbRef) {
        if let Some(notification) = self.tcb(thread).bound_notification.take() {
            self.notification(notification).bound_tcb.set(None);
        }
    }

    /// The last capability to a notification is gone; those who wait there are the deletion's affair.
    pub(crate) fn destroy_notification(&self, notification: NotificationRef) {
        let state = self.notification(notification);
        if let Some(context) = state.sched_context.get() {
            self.unbind_notification_of_context(context);
        }
        if let Some(thread) = state.bound_tcb.get() {
            self.unbind_notification(thread);
        }
        self.deserted.set(Some(Meeting::Notification(notification)));
    }
}
