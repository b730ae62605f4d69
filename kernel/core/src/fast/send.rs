//! Send: signals, and messages to a receiver that waits.

use crate::capability::{self, CapRights, endpoint_of, notification_of};
use crate::message::{BADGE_REGISTER, INFO_REGISTER};
use crate::object::{Notification, Queue, Tcb, ThreadState};
use crate::{Kernel, Machine, Resume, TcbRef};

/// A signal on its way, and the thread that waits for it.
pub(super) struct Signal<'a> {
    to: &'a Notification,
    badge: u64,
    pub(super) wakes: Option<TcbRef>,
}

impl<M: Machine> Kernel<M> {
    #[inline(always)]
    pub(super) fn fast_send(&self, current: TcbRef) -> Option<Resume> {
        let sender = self.tcb(current);
        let slot = self.direct_slot(current, sender.context.get(BADGE_REGISTER))?;
        let words = self.slot(slot).words();
        if let Some(to) = notification_of(words, CapRights::WRITE) {
            let signal = self.fast_signal(&to)?;
            let woken = signal.wakes;
            if woken.is_some_and(|woken| !self.may_go_on(sender, woken)) {
                return None;
            }
            self.deliver_signal(signal);
            return Some(Resume::User(match woken {
                Some(woken) => self.go_on(current, woken, Tcb::system_call_address),
                None => current,
            }));
        }
        let capability = endpoint_of(words, CapRights::WRITE)?;
        let queue = &self.endpoint(capability.object).queue;
        let receiver = queue.head.get()?;
        let tcb = self.tcb(receiver);
        if tcb.state.get() != ThreadState::BlockedOnReceive {
            return None;
        }
        if !self.can_go_to(receiver) || !self.may_go_on(sender, receiver) {
            return None;
        }
        self.take_first(queue, receiver);
        if let Some(reply) = tcb.reply.take() {
            self.reply(reply).tcb.set(None);
        }
        self.fast_transfer(current, receiver, capability.badge);
        let next = self.go_on(current, receiver, Tcb::system_call_address);
        Some(Resume::User(next))
    }

    /// What a signal does, if it is one of the common things: it wakes a thread or is kept. The bound thread
    /// is the general code's.
    #[inline(always)]
    pub(super) fn fast_signal(&self, to: &capability::Notification) -> Option<Signal<'_>> {
        use ThreadState::{BlockedOnReceive, RunningGuest};
        let state = self.notification(to.object);
        let wakes = state.queue.head.get();
        let is_common = match (wakes, state.bound_tcb.get()) {
            (Some(waiter), _) => self.can_go_to(waiter),
            (None, Some(bound)) => {
                !matches!(self.tcb(bound).state.get(), BlockedOnReceive | RunningGuest)
            }
            (None, None) => true,
        };
        is_common.then_some(Signal {
            to: state,
            badge: to.badge,
            wakes,
        })
    }

    #[inline(always)]
    pub(super) fn deliver_signal(&self, signal: Signal<'_>) {
        let to = signal.to;
        if let Some(woken) = signal.wakes {
            self.take_first(&to.queue, woken);
            let tcb = self.tcb(woken);
            tcb.set_badge(signal.badge);
            tcb.context.set(INFO_REGISTER, 0);
        } else {
            to.badge.set(to.badge.get() | signal.badge);
            to.active.set(true);
        }
    }

    /// Whether a woken thread becomes ready or, if it is more important, can run next.
    #[inline(always)]
    pub(super) fn may_go_on(&self, sender: &Tcb, woken: TcbRef) -> bool {
        self.tcb(woken).priority.get() <= sender.priority.get() || self.has_time_to_switch()
    }

    /// The woken thread runs next, or becomes ready while the current one goes on. `restart` says where that
    /// one would be restarted.
    #[inline(always)]
    pub(super) fn go_on(
        &self,
        current: TcbRef,
        woken: TcbRef,
        restart: impl FnOnce(&Tcb) -> u64,
    ) -> TcbRef {
        let (sender, waiter) = (self.tcb(current), self.tcb(woken));
        let (ours, theirs) = (sender.priority.get(), waiter.priority.get());
        waiter.state.set(ThreadState::Running);
        if theirs > ours {
            sender.fault_address.set(restart(sender));
            self.enqueue_first(current);
            return self.go_to(woken);
        }
        if theirs == ours {
            // Of its equals the current thread goes on first, and the woken one comes last.
            self.enqueue_last(woken);
        } else {
            self.enqueue_first(woken);
        }
        current
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
