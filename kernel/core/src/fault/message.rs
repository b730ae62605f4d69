//! Fault messages.

use sel4_sys::{MessageInfo, fault};

use crate::message::BufferUse;
use crate::object::{Register, Tcb};
use crate::{Kernel, Machine, TcbRef};

/// The registers of an UnknownSyscall message, and of its reply. `Rip` stands for the address at which
/// the thread would restart.
pub(super) const SYSTEM_CALL_REGISTERS: [Register; 18] = {
    use Register::*;
    [
        Rax, Rbx, Rcx, Rdx, Rsi, Rdi, Rbp, R8, R9, R10, R11, R12, R13, R14, R15, Rip, Rsp, Rflags,
    ]
};

/// The registers of a UserException message, and of its reply.
pub(super) const EXCEPTION_REGISTERS: [Register; 3] =
    [Register::Rip, Register::Rsp, Register::Rflags];

/// Number of registers in the reply to a Timeout message: all but the last.
pub(super) const TIMEOUT_REPLY_REGISTERS: usize = Register::ALL.len() - 1;

impl Tcb {
    /// A register as fault handlers and debuggers see it: the instruction pointer is where the thread
    /// would restart.
    pub(crate) fn visible_register(&self, register: Register) -> u64 {
        match register {
            Register::Rip => self.fault_address.get(),
            other => self.context.get(other),
        }
    }

    /// Changes a register as fault handlers and debuggers see it.
    pub(crate) fn set_visible_register(&self, register: Register, value: u64) {
        let value = super::sanitised(register, value);
        match register {
            Register::Rip => self.fault_address.set(value),
            other => self.context.set(other, value),
        }
    }
}

impl<M: Machine> Kernel<M> {
    /// Writes the report of the sender's fault to the receiver's message registers.
    pub(crate) fn write_fault_message(&self, sender: TcbRef, receiver: TcbRef) -> MessageInfo {
        let from = self.tcb(sender);
        let kind = from.fault.kind.get();
        let registers: &[Register] = match kind {
            fault::UNKNOWN_SYSCALL => &SYSTEM_CALL_REGISTERS,
            fault::USER_EXCEPTION => &EXCEPTION_REGISTERS,
            fault::TIMEOUT => &[],
            _ => &[Register::Rip],
        };
        let state = registers
            .iter()
            .map(|register| from.visible_register(*register));
        let details = from.fault.words.iter().map(core::cell::Cell::get);
        let details = details
            .zip(0..from.fault.word_count.get())
            .map(|(word, _)| word);
        let buffer = self.buffer(receiver, BufferUse::Write);
        let length = self.set_message(receiver, buffer, state.chain(details));
        MessageInfo::new(kind, 0, length)
    }
}
