//! Faults: calls that the kernel makes in a thread's name to its handler, and their answers.

use sel4_sys::{MessageInfo, fault, ipc_buffer};

use super::Cases;
use crate::fault::FaultReport;
use crate::message::{BufferUse, INFO_REGISTER, MESSAGE_REGISTERS};
use crate::object::{Register, Tcb};
use crate::{Kernel, Machine, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Tells the current thread's handler of a page fault or exception if it waits for that, and says who goes
    /// on; otherwise changes nothing.
    #[inline(always)]
    pub(crate) fn fast_fault(&self, report: &FaultReport) -> Option<TcbRef> {
        self.fast_call(self.current()?, Cases::Common, Some(report))
    }

    /// Writes the report of a fault to the handler's message registers.
    #[inline(always)]
    pub(super) fn fast_fault_message(&self, from: &Tcb, handler: TcbRef, report: &FaultReport) {
        let at = from.context.get(Register::Rip);
        from.fault_address.set(at);
        from.fault.kind.set(report.kind);
        let [first, second, third, ..] = report.words;
        let mut length = MESSAGE_REGISTERS.len() as u64;
        let mut words = [at, first, second, third];
        if report.kind == fault::USER_EXCEPTION {
            let register = |register| from.context.get(register);
            words = [
                at,
                register(Register::Rsp),
                register(Register::Rflags),
                first,
            ];
            if let Some(buffer) = self.buffer(handler, BufferUse::Write) {
                let word = buffer.word(ipc_buffer::MESSAGE + length);
                self.machine().store(word, second);
                length += 1;
            }
        }
        let to = self.tcb(handler);
        for (register, word) in MESSAGE_REGISTERS.into_iter().zip(words) {
            to.context.set(register, word);
        }
        to.set_message_info(MessageInfo::new(report.kind, 0, length));
    }

    /// Whether a thread that waits for the answer to its call, or to a fault of this kind, goes on by it.
    #[inline(always)]
    pub(super) fn lets_go_on(&self, answerer: &Tcb, kind: u64) -> bool {
        match kind {
            0 | fault::VM_FAULT | fault::CAP_FAULT => true,
            fault::USER_EXCEPTION => MessageInfo(answerer.context.get(INFO_REGISTER)).label() == 0,
            _ => false,
        }
    }

    /// The faulted thread goes on where it is, or where its handler's answer says.
    #[inline(always)]
    pub(super) fn fast_fault_answer(&self, handler: &Tcb, faulted: &Tcb, kind: u64) {
        faulted.fault.kind.set(0);
        if kind == fault::USER_EXCEPTION {
            let length = MessageInfo(handler.context.get(INFO_REGISTER)).length();
            let words = MESSAGE_REGISTERS.map(|register| handler.context.get(register));
            if length > 0 {
                faulted.set_visible_register(Register::Rip, words[0]);
            }
            if length > 1 {
                faulted.set_visible_register(Register::Rsp, words[1]);
            }
            if length > 2 {
                faulted.set_visible_register(Register::Rflags, words[2]);
            }
        }
        let at = faulted.fault_address.get();
        faulted.context.set(Register::Rip, at);
    }
}
