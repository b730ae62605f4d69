//! Leaving guests.

use sel4_sys::extension::{exit_message, reason, register};
use sel4_sys::{MessageInfo, ipc_buffer};

use crate::message::{BufferUse, MESSAGE_REGISTERS};
use crate::object::{Register, ThreadState};
use crate::{Kernel, Machine, Resume, TcbRef};

/// Where the message's fourth word goes; the cause is in the registers before.
const RIP_REGISTER: Register = MESSAGE_REGISTERS[exit_message::RIP];
const _: () = assert!(MESSAGE_REGISTERS.len() == exit_message::RIP + 1);

impl<M: Machine> Kernel<M> {
    /// The guest of the current thread stopped for a reason (`sel4_sys::extension::reason`) that its
    /// monitor must hear of. Interrupts of the host have their own entries.
    ///
    /// The thread goes on as it was entered: nobody has become ready, its scheduling context pays on, and
    /// the timer is set for it. So neither the scheduler nor the clock is asked.
    #[inline(always)]
    pub fn handle_guest_exit(&self, reason: u64, detail: u64, detail_2: u64) -> Resume {
        match self.current() {
            Some(current) if self.tcb(current).state.get() == ThreadState::RunningGuest => {
                self.write_exit(current, [reason, detail, detail_2], 0);
                self.tcb(current).state.set(ThreadState::Running);
                Resume::User(current)
            }
            _ => self.leave(),
        }
    }

    /// Ends the thread's VCpuRun with an exit message.
    pub(crate) fn exit_guest(&self, thread: TcbRef, cause: [u64; 3], badge: u64) {
        self.write_exit(thread, cause, badge);
        self.set_state(thread, ThreadState::Running);
    }

    /// The thread gets an exit message and runs its vCPU no longer.
    #[inline(always)]
    fn write_exit(&self, thread: TcbRef, cause: [u64; 3], badge: u64) {
        let tcb = self.tcb(thread);
        let buffer = self.buffer(thread, BufferUse::Write);
        for (register, word) in MESSAGE_REGISTERS.into_iter().zip(cause) {
            tcb.context.set(register, word);
        }
        let length = match (self.leave_guest(thread), buffer) {
            (None, _) => cause.len() as u64,
            (Some(vcpu), None) => {
                let rip = self.machine().vcpu_register(vcpu, register::RIP);
                tcb.context.set(RIP_REGISTER, rip);
                MESSAGE_REGISTERS.len() as u64
            }
            (Some(vcpu), Some(buffer)) => {
                let message = buffer.word(ipc_buffer::MESSAGE);
                self.machine().vcpu_exit_words(vcpu, |index, word| {
                    if index == exit_message::RIP {
                        tcb.context.set(RIP_REGISTER, word);
                    } else {
                        self.machine().store(message.word(index as u64), word);
                    }
                });
                exit_message::WORDS
            }
        };
        tcb.set_badge(badge);
        tcb.set_message_info(MessageInfo::new(0, 0, length));
    }

    /// A signal arrived for a thread that runs a guest.
    pub(crate) fn signal_guest_runner(&self, thread: TcbRef, badge: u64) {
        self.exit_guest(thread, [reason::NOTIFICATION, 0, 0], badge);
    }
}
