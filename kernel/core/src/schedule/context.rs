//! Scheduling contexts change hands.

use crate::{Kernel, Machine, NotificationRef, SchedContextRef, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Puts the context's thread where threads without budget wait.
    pub(crate) fn postpone(&self, context: SchedContextRef) {
        if let Some(thread) = self.sched_context(context).tcb.get() {
            self.dequeue(thread);
            self.dequeue_release(thread);
            self.enqueue_release(thread);
        }
    }

    /// Makes the context's thread wait if there is no budget for it now.
    pub(crate) fn resume_context(&self, context: SchedContextRef) {
        if let Some(thread) = self.sched_context(context).tcb.get()
            && self.is_schedulable(thread)
            && !(self.is_refill_ready(context) && self.is_refill_sufficient(context, 0))
        {
            self.postpone(context);
        }
    }

    /// A thread becomes ready: a sporadic context of its own begins to be used now.
    #[inline]
    pub(crate) fn begin_sporadic_use(&self, thread: TcbRef) {
        if let Some(context) = self.tcb(thread).sched_context.get()
            && self.sched_context(context).sporadic.get()
            && self.core.payer.get() != Some(context)
        {
            self.begin_use(context);
        }
    }

    /// Whether a thread could run on the context now.
    #[inline]
    pub(crate) fn has_budget(&self, context: SchedContextRef) -> bool {
        self.sched_context(context).refill_max.get() > 0
            && self.is_refill_ready(context)
            && self.is_refill_sufficient(context, 0)
    }

    /// Gives the context to a thread that has none; whoever had it loses it.
    pub(crate) fn donate(&self, context: SchedContextRef, to: TcbRef) {
        let state = self.sched_context(context);
        if let Some(from) = state.tcb.get() {
            self.dequeue(from);
            self.dequeue_release(from);
            self.tcb(from).sched_context.set(None);
            self.deselect(from);
        }
        state.tcb.set(Some(to));
        self.tcb(to).sched_context.set(Some(context));
    }

    /// The thread can no longer run: if it runs or was to run, somebody else must.
    fn deselect(&self, thread: TcbRef) {
        use crate::core_state::Decision;
        if self.core.decision.get() == Decision::Try(thread) {
            self.core.decision.set(Decision::Choose);
        }
        if self.core.current.get() == Some(thread) {
            self.reschedule();
        }
    }

    /// Binds the context to a thread; both are free.
    pub(crate) fn bind_thread(&self, context: SchedContextRef, thread: TcbRef) {
        let state = self.sched_context(context);
        self.tcb(thread).sched_context.set(Some(context));
        state.tcb.set(Some(thread));
        self.begin_sporadic_use(thread);
        self.resume_context(context);
        if self.is_schedulable(thread) && self.core.current.get() != Some(thread) {
            self.enqueue_first(thread);
            self.reschedule();
        }
    }

    /// Takes the context from the thread that has it.
    pub(crate) fn unbind_thread(&self, context: SchedContextRef) {
        let state = self.sched_context(context);
        if let Some(thread) = state.tcb.take() {
            self.dequeue(thread);
            self.dequeue_release(thread);
            self.tcb(thread).sched_context.set(None);
            self.deselect(thread);
        }
    }

    pub(crate) fn bind_context_to_notification(
        &self,
        context: SchedContextRef,
        notification: NotificationRef,
    ) {
        self.sched_context(context)
            .notification
            .set(Some(notification));
        self.notification(notification)
            .sched_context
            .set(Some(context));
    }

    pub(crate) fn unbind_notification_of_context(&self, context: SchedContextRef) {
        if let Some(notification) = self.sched_context(context).notification.take() {
            self.notification(notification).sched_context.set(None);
        }
    }

    /// A thread that was woken by a signal runs on the notification's context if it has none.
    pub(crate) fn maybe_donate(&self, notification: NotificationRef, to: TcbRef) {
        if self.tcb(to).sched_context.get().is_none()
            && let Some(context) = self.notification(notification).sched_context.get()
            && self.sched_context(context).tcb.get().is_none()
        {
            self.donate(context, to);
            if self.sched_context(context).sporadic.get() {
                self.begin_use(context);
            }
            self.resume_context(context);
        }
    }

    /// A thread that waits again gives the notification's context back.
    pub(crate) fn maybe_return(&self, notification: NotificationRef, from: TcbRef) {
        let context = self.notification(notification).sched_context.get();
        if context.is_some()
            && let tcb = self.tcb(from)
            && tcb.sched_context.get() == context
        {
            tcb.sched_context.set(None);
            if let Some(context) = context {
                self.sched_context(context).tcb.set(None);
            }
            self.deselect(from);
        }
    }

    /// Ends the life of a context: nobody runs on it any more.
    pub(crate) fn destroy_context(&self, context: SchedContextRef) {
        let state = self.sched_context(context);
        if let Some(yielder) = state.yield_from.get() {
            self.complete_yield_to(yielder);
        }
        self.unbind_thread(context);
        self.unbind_notification_of_context(context);
        if let Some(reply) = state.reply.take() {
            self.reply(reply).sched_context.set(None);
        }
        state.refill_max.set(0);
        if self.core.payer.get() == Some(context) {
            self.core.payer.set(None);
            self.core.consumed.set(0);
        }
    }

    /// Microseconds used since somebody last asked; asking starts anew.
    pub(crate) fn take_consumed(&self, context: SchedContextRef) -> u64 {
        if self.core.payer.get() == Some(context) {
            self.pay();
            self.core.timer_is_stale.set(true);
        }
        let ticks = self.sched_context(context).consumed.take();
        ticks / self.machine().ticks_per_us().max(1)
    }
}
