//! Leaving guests.

use sel4_sys::MessageInfo;
use sel4_sys::extension::reason;

use crate::message::BufferUse;
use crate::object::ThreadState;
use crate::{Kernel, Machine, Resume, TcbRef};

impl<M: Machine> Kernel<M> {
    /// The guest of the current thread stopped for a reason (`sel4_sys::extension::reason`) that its
    /// monitor must hear of. Interrupts of the host have their own entries.
    pub fn handle_guest_exit(&self, reason: u64, detail: u64, detail_2: u64) -> Resume {
        self.update_time();
        if let Some(current) = self.current()
            && self.tcb(current).state.get() == ThreadState::RunningGuest
        {
            self.exit_guest(current, [reason, detail, detail_2], 0);
        }
        self.check_budget();
        self.leave()
    }

    /// Ends the thread's VCpuRun with an exit message.
    pub(crate) fn exit_guest(&self, thread: TcbRef, cause: [u64; 3], badge: u64) {
        let tcb = self.tcb(thread);
        let buffer = self.buffer(thread, BufferUse::Write);
        let message = match self.leave_guest(thread) {
            Some(vcpu) => self.machine().vcpu_exit_message(vcpu, cause),
            None => core::array::from_fn(|index| cause.get(index).copied().unwrap_or(0)),
        };
        let length = self.set_message_words(thread, buffer, &message);
        tcb.set_badge(badge);
        tcb.set_message_info(MessageInfo::new(0, 0, length));
        self.set_state(thread, ThreadState::Running);
    }

    /// A signal arrived for a thread that runs a guest.
    pub(crate) fn signal_guest_runner(&self, thread: TcbRef, badge: u64) {
        self.exit_guest(thread, [reason::NOTIFICATION, 0, 0], badge);
    }
}
