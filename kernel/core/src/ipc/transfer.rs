//! The transfer of a message from one thread to another.

use sel4_sys::{MessageInfo, ipc_buffer};

use crate::message::{BufferUse, MESSAGE_REGISTERS};
use crate::{EndpointRef, Kernel, Machine, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Hands the sender's message, or the report of its fault, to the receiver.
    pub(super) fn transfer_message(
        &self,
        sender: TcbRef,
        receiver: TcbRef,
        endpoint: Option<EndpointRef>,
        badge: u64,
        can_grant: bool,
    ) {
        let from = self.tcb(sender);
        let to = self.tcb(receiver);
        if from.fault.kind.get() != 0 {
            let info = self.write_fault_message(sender, receiver);
            to.set_message_info(info);
        } else {
            let info = from.message_info();
            let mut result = MessageInfo::new(info.label(), 0, self.copy_words(sender, receiver));
            if info.extra_caps() > 0 && can_grant {
                result = self.transfer_caps(sender, receiver, endpoint, result);
            }
            to.set_message_info(result);
        }
        to.set_badge(badge);
    }

    /// Copies the words of a message; answers how many arrived.
    #[inline(never)]
    pub(crate) fn copy_words(&self, sender: TcbRef, receiver: TcbRef) -> u64 {
        let from = self.tcb(sender);
        let to = self.tcb(receiver);
        let length = from.message_info().length();
        let in_registers = MESSAGE_REGISTERS.len() as u64;
        for (register, _) in MESSAGE_REGISTERS.iter().zip(0..length) {
            to.context.set(*register, from.context.get(*register));
        }
        if length <= in_registers {
            return length;
        }
        let (Some(source), Some(target)) = (
            self.buffer(sender, BufferUse::Read),
            self.buffer(receiver, BufferUse::Write),
        ) else {
            return in_registers;
        };
        for index in in_registers..length {
            let word = ipc_buffer::MESSAGE + index;
            let value = self.machine().load(source.word(word));
            self.machine().store(target.word(word), value);
        }
        length
    }
}
