//! Messages: their words in registers and in the IPC buffer.

use sel4_sys::message::MESSAGE_WORDS_MAX;
use sel4_sys::{MessageInfo, ipc_buffer};

use crate::address::TcbSlot;
use crate::capability::buffer_frame;
use crate::object::{Register, Tcb};
use crate::{BufferRef, Kernel, Machine, TcbRef};

/// The registers that hold a message's first words.
pub(crate) const MESSAGE_REGISTERS: [Register; 4] =
    [Register::R10, Register::R8, Register::R9, Register::R15];
/// Where the receiver finds the sender's badge, and where a caller names a capability.
pub(crate) const BADGE_REGISTER: Register = Register::Rdi;
/// Where the message's description stands.
pub(crate) const INFO_REGISTER: Register = Register::Rsi;
/// Where receiving calls name their reply object.
pub(crate) const REPLY_REGISTER: Register = Register::R12;
/// Where NBSendRecv and NBSendWait name the destination.
pub(crate) const DESTINATION_REGISTER: Register = Register::R13;

/// What a thread wants to do with its IPC buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum BufferUse {
    Read,
    Write,
}

impl Tcb {
    /// The description of the message that the thread sends or got; longer ones are cut to the maximum.
    #[inline]
    pub(crate) fn message_info(&self) -> MessageInfo {
        let info = MessageInfo(self.context.get(INFO_REGISTER));
        if info.length() <= MESSAGE_WORDS_MAX {
            info
        } else {
            MessageInfo(info.0 & !0x7f | MESSAGE_WORDS_MAX)
        }
    }

    pub(crate) fn set_message_info(&self, info: MessageInfo) {
        self.context.set(INFO_REGISTER, info.0);
    }

    pub(crate) fn set_badge(&self, badge: u64) {
        self.context.set(BADGE_REGISTER, badge);
    }
}

impl<M: Machine> Kernel<M> {
    /// The thread's IPC buffer, if it has one that it may use so.
    #[inline(always)]
    pub(crate) fn buffer(&self, thread: TcbRef, purpose: BufferUse) -> Option<BufferRef> {
        let words = self.slot(thread.slot(TcbSlot::Buffer)).words();
        let frame = buffer_frame(words, purpose == BufferUse::Write)?;
        let offset = self.tcb(thread).buffer_address.get() & (frame.size.bytes() - 1);
        let start = self.machine().kernel_address(frame.start);
        BufferRef::new(start + offset)
    }

    /// One word of the message that a thread sends; zero beyond what it can reach.
    #[inline(always)]
    pub(crate) fn message_word(
        &self,
        thread: TcbRef,
        buffer: Option<BufferRef>,
        index: u64,
    ) -> u64 {
        let register = usize::try_from(index)
            .ok()
            .and_then(|index| MESSAGE_REGISTERS.get(index));
        match (register, buffer) {
            (Some(register), _) => self.tcb(thread).context.get(*register),
            (None, Some(buffer)) if index < MESSAGE_WORDS_MAX => self
                .machine()
                .load(buffer.word(ipc_buffer::MESSAGE + index)),
            _ => 0,
        }
    }

    /// Writes one word of a message to a thread; answers whether there was a place for it.
    pub(crate) fn set_message_word(
        &self,
        thread: TcbRef,
        buffer: Option<BufferRef>,
        index: u64,
        value: u64,
    ) -> bool {
        let register = usize::try_from(index)
            .ok()
            .and_then(|index| MESSAGE_REGISTERS.get(index));
        match (register, buffer) {
            (Some(register), _) => self.tcb(thread).context.set(*register, value),
            (None, Some(buffer)) if index < MESSAGE_WORDS_MAX => self
                .machine()
                .store(buffer.word(ipc_buffer::MESSAGE + index), value),
            _ => return false,
        }
        true
    }

    /// Writes words of a message from its start; answers how many there was place for.
    pub(crate) fn set_message(
        &self,
        thread: TcbRef,
        buffer: Option<BufferRef>,
        words: impl IntoIterator<Item = u64>,
    ) -> u64 {
        let mut written = 0;
        for word in words {
            if !self.set_message_word(thread, buffer, written, word) {
                break;
            }
            written += 1;
        }
        written
    }
}
