//! Messages of a user thread: registers and IPC buffer joined.

use core::cell::Cell;

use sel4_sys::{
    Error, MessageInfo,
    message::{MESSAGE_CAPABILITIES_MAX, MESSAGE_REGISTERS, MESSAGE_WORDS_MAX},
    syscall,
};

use crate::ipc_buffer::{IpcBuffer, word};
use crate::{Registers, syscall};

/// A thread's way to send and receive messages: a handle to its IPC buffer.
///
/// The buffer is shared with the kernel, which touches it only during system calls; the handle
/// reads and writes single words.
#[derive(Clone, Copy)]
pub struct Ipc {
    words: &'static [Cell<u64>; word::COUNT],
}

/// A message that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Badge of the capability that it was sent with, or a notification's word.
    pub badge: u64,
    /// Label, length, capabilities.
    pub info: MessageInfo,
    /// The first four words.
    pub message: [u64; MESSAGE_REGISTERS],
}

impl Received {
    /// Why the invocation that this answers was refused, if it was; numbers that seL4 does not define are none.
    #[must_use]
    pub const fn error(&self) -> Option<Error> {
        Some(match self.info.label() {
            1 => Error::InvalidArgument,
            2 => Error::InvalidCapability,
            3 => Error::IllegalOperation,
            4 => Error::RangeError,
            5 => Error::AlignmentError,
            6 => Error::FailedLookup,
            7 => Error::TruncatedMessage,
            8 => Error::DeleteFirst,
            9 => Error::RevokeFirst,
            10 => Error::NotEnoughMemory,
            _ => return None,
        })
    }
}

impl Ipc {
    /// A handle to the calling thread's IPC buffer.
    ///
    /// # Safety
    ///
    /// `buffer` is the mapped IPC buffer of the thread that will use the handle, is never
    /// unmapped, and no reference to it exists elsewhere.
    #[must_use]
    pub unsafe fn new(buffer: *mut IpcBuffer) -> Self {
        // SAFETY: the caller vouches for the pointer; the layout is 128 words, and `Cell` allows
        // the kernel to change them while we are in a system call.
        let words = unsafe { &*buffer.cast::<[Cell<u64>; word::COUNT]>() };
        Self { words }
    }

    /// Message word `index` of the last message received, or 0 behind the end.
    #[must_use]
    pub fn word(&self, index: usize) -> u64 {
        self.words.get(word::MESSAGE + index).map_or(0, Cell::get)
    }

    /// Sets message word `index` (4 to 119) for the next message; the first four are given with the call.
    pub fn set_word(&self, index: usize, value: u64) {
        if index < 120
            && let Some(cell) = self.words.get(word::MESSAGE + index)
        {
            cell.set(value);
        }
    }

    /// Sets capability `index` (0 to 2) to send.
    pub fn set_capability(&self, index: usize, capability: u64) {
        if index < 3 {
            self.words[word::CAPS_OR_BADGES + index].set(capability);
        }
    }

    /// Badge of unwrapped capability `index` (0 to 2).
    #[must_use]
    pub fn unwrapped_badge(&self, index: usize) -> u64 {
        if index < 3 {
            self.words[word::CAPS_OR_BADGES + index].get()
        } else {
            0
        }
    }

    /// Where a capability that arrives is put.
    pub fn set_receive_slot(&self, root: u64, index: u64, depth: u64) {
        self.words[word::RECEIVE_CNODE].set(root);
        self.words[word::RECEIVE_INDEX].set(index);
        self.words[word::RECEIVE_DEPTH].set(depth);
    }

    /// Sends `info` with `message` to `endpoint` and waits for the reply.
    #[inline]
    #[must_use]
    pub fn call(&self, endpoint: u64, info: MessageInfo, message: [u64; 4]) -> Received {
        self.finish(syscall(
            syscall::CALL,
            Registers::to(endpoint).sending(info, message),
        ))
    }

    /// Sends and waits until the message is taken.
    #[inline]
    pub fn send(&self, endpoint: u64, info: MessageInfo, message: [u64; 4]) {
        syscall(
            syscall::SEND,
            Registers::to(endpoint).sending(info, message),
        );
    }

    /// Sends if a receiver waits.
    pub fn nb_send(&self, endpoint: u64, info: MessageInfo, message: [u64; 4]) {
        syscall(
            syscall::NB_SEND,
            Registers::to(endpoint).sending(info, message),
        );
    }

    /// Receives on `endpoint`; a Call can then be answered through `reply`.
    #[inline]
    #[must_use]
    pub fn recv(&self, endpoint: u64, reply: u64) -> Received {
        self.finish(syscall(syscall::RECV, Registers::to(endpoint).reply(reply)))
    }

    /// Receives what is there; the badge and label are 0 if nothing is.
    #[must_use]
    pub fn nb_recv(&self, endpoint: u64, reply: u64) -> Received {
        self.finish(syscall(
            syscall::NB_RECV,
            Registers::to(endpoint).reply(reply),
        ))
    }

    /// Answers the caller held in `reply`, then receives on `endpoint`.
    #[inline]
    #[must_use]
    pub fn reply_recv(
        &self,
        endpoint: u64,
        info: MessageInfo,
        message: [u64; 4],
        reply: u64,
    ) -> Received {
        self.finish(syscall(
            syscall::REPLY_RECV,
            Registers::to(endpoint).sending(info, message).reply(reply),
        ))
    }

    /// Sends to `destination` if a receiver waits there, then receives on `endpoint`.
    #[must_use]
    pub fn nb_send_recv(
        &self,
        destination: u64,
        info: MessageInfo,
        message: [u64; 4],
        endpoint: u64,
        reply: u64,
    ) -> Received {
        self.finish(syscall(
            syscall::NB_SEND_RECV,
            Registers {
                capability_or_badge: endpoint,
                info,
                message,
                reply,
                destination,
            },
        ))
    }

    /// Sends to `destination` if a receiver waits there, then waits on `endpoint` or notification.
    #[must_use]
    pub fn nb_send_wait(
        &self,
        destination: u64,
        info: MessageInfo,
        message: [u64; 4],
        endpoint: u64,
    ) -> Received {
        self.finish(syscall(
            syscall::NB_SEND_WAIT,
            Registers::to(endpoint)
                .sending(info, message)
                .reply(destination),
        ))
    }

    /// Waits on an endpoint or notification without a reply object.
    #[inline]
    #[must_use]
    pub fn wait(&self, capability: u64) -> Received {
        self.finish(syscall(syscall::WAIT, Registers::to(capability)))
    }

    /// Polls an endpoint or notification without a reply object.
    #[must_use]
    pub fn nb_wait(&self, capability: u64) -> Received {
        self.finish(syscall(syscall::NB_WAIT, Registers::to(capability)))
    }

    /// Signals a notification.
    #[inline]
    pub fn signal(&self, notification: u64) {
        syscall(syscall::SEND, Registers::to(notification));
    }

    /// Asks the object behind `capability` for the operation `label`, with words and capabilities.
    ///
    /// # Errors
    ///
    /// What the kernel answers. Too many words (120) or capabilities (3) are a `TruncatedMessage`
    /// without asking the kernel.
    #[inline]
    pub fn invoke(
        &self,
        capability: u64,
        label: u64,
        words: &[u64],
        capabilities: &[u64],
    ) -> Result<Received, Error> {
        let (length, caps) = (words.len() as u64, capabilities.len() as u64);
        if length > MESSAGE_WORDS_MAX || caps > MESSAGE_CAPABILITIES_MAX {
            return Err(Error::TruncatedMessage);
        }
        let mut message = [0; MESSAGE_REGISTERS];
        for (index, &word) in words.iter().enumerate() {
            match message.get_mut(index) {
                Some(register) => *register = word,
                None => self.set_word(index, word),
            }
        }
        for (index, &capability) in capabilities.iter().enumerate() {
            self.set_capability(index, capability);
        }
        let reply = self.call(capability, MessageInfo::new(label, caps, length), message);
        match reply.error() {
            Some(error) => Err(error),
            None => Ok(reply),
        }
    }

    /// Keeps the first four words in the buffer too, so that [`Ipc::word`] serves every index.
    #[inline]
    fn finish(&self, registers: Registers) -> Received {
        for (index, word) in registers.message.iter().enumerate() {
            self.words[word::MESSAGE + index].set(*word);
        }
        Received {
            badge: registers.capability_or_badge,
            info: registers.info,
            message: registers.message,
        }
    }
}
