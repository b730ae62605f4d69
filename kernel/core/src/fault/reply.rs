//! Answers to fault messages.

use sel4_sys::fault;

use super::message::{EXCEPTION_REGISTERS, SYSTEM_CALL_REGISTERS, TIMEOUT_REPLY_REGISTERS};
use crate::message::{BufferUse, MESSAGE_REGISTERS};
use crate::object::Register;
use crate::{Kernel, Machine, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Changes the faulted thread as its handler's answer says; answers whether the thread restarts.
    pub(crate) fn read_fault_reply(&self, handler: TcbRef, faulted: TcbRef) -> bool {
        let registers: &[Register] = match self.tcb(faulted).fault.kind.get() {
            fault::UNKNOWN_SYSCALL => &SYSTEM_CALL_REGISTERS,
            fault::USER_EXCEPTION => &EXCEPTION_REGISTERS,
            fault::TIMEOUT => &Register::ALL[..TIMEOUT_REPLY_REGISTERS],
            // Whatever the answer, the access is simply tried again.
            _ => return true,
        };
        let info = self.tcb(handler).message_info();
        let buffer = self.buffer(handler, BufferUse::Read);
        if registers.contains(&Register::FsBase) {
            self.machine().release_thread(faulted);
        }
        let length = match buffer {
            Some(_) => info.length(),
            None => info.length().min(MESSAGE_REGISTERS.len() as u64),
        };
        for (register, index) in registers.iter().zip(0..length) {
            let value = self.message_word(handler, buffer, index);
            self.tcb(faulted).set_visible_register(*register, value);
        }
        info.label() == 0
    }
}
