//! The fast paths: what servers do most, in few steps.
//!
//! They do exactly what the general code does in the common case: messages without capabilities, signals and
//! faults meet a waiting partner, nothing else has happened. They check everything first and change nothing
//! until all of it holds; otherwise the general code starts afresh. The clock is read only where
//! another scheduling context begins to pay: while the same one pays on, the timer is set for it.

mod call;
mod fault;
mod interrupt;
mod invoke;
mod reply_receive;
mod run_guest;
mod send;
mod switch;
mod wait;
mod yield_slice;

use sel4_sys::message::MESSAGE_WORDS_MAX;
use sel4_sys::syscall;

use crate::message::{INFO_REGISTER, MESSAGE_REGISTERS};
use crate::object::Register;
use crate::{Kernel, Machine, Resume, TcbRef};

/// Words and extra capabilities of a message's description.
const LENGTH_AND_CAPS: u64 = 0x1ff;
/// What a receiver is told: without the field of unwrapped capabilities.
const CAPS_UNWRAPPED: u64 = 7 << 9;

/// Which cases a fast path looks for: each one more costs the others something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cases {
    /// A message between a client and a server that works on the client's time.
    Common,
    /// Servers and clients with time of their own, and answers to faults as well.
    All,
}

impl<M: Machine> Kernel<M> {
    /// Does the current thread's system call if it is neither Call nor ReplyRecv between threads, but another
    /// one of the common ones, and says how to go on; otherwise changes nothing.
    #[inline(always)]
    pub fn handle_fast_system_call(&self, current: TcbRef) -> Option<Resume> {
        let is_plain = self.has_plain_message(current);
        match self.tcb(current).context.get(Register::Rdx).cast_signed() {
            syscall::SEND if is_plain => self.fast_send(current),
            syscall::WAIT | syscall::RECV => self.fast_wait(current),
            syscall::NB_SEND_WAIT if is_plain => self.fast_send_wait(current),
            syscall::YIELD => self.fast_yield(current),
            _ => None,
        }
    }

    /// Whether the thread's message, if it sends one, brings no capabilities.
    #[inline(always)]
    fn has_plain_message(&self, thread: TcbRef) -> bool {
        self.tcb(thread).context.get(INFO_REGISTER) & LENGTH_AND_CAPS <= MESSAGE_WORDS_MAX
    }

    /// Hands over a message without capabilities.
    #[inline(always)]
    fn fast_transfer(&self, sender: TcbRef, receiver: TcbRef, badge: u64) {
        let (from, to) = (self.tcb(sender), self.tcb(receiver));
        let sent = from.context.get(INFO_REGISTER);
        let length = sent & LENGTH_AND_CAPS;
        let mut info = sent & !CAPS_UNWRAPPED;
        if length > MESSAGE_REGISTERS.len() as u64 {
            info = info - length + self.copy_words(sender, receiver);
        } else if length > 0 {
            for (register, _) in MESSAGE_REGISTERS.into_iter().zip(0..length) {
                to.context.set(register, from.context.get(register));
            }
        }
        to.context.set(INFO_REGISTER, info);
        to.set_badge(badge);
    }
}
