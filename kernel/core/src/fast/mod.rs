//! The fast paths: Call and ReplyRecv between a client and a passive server that waits for it, and the run
//! of a guest.
//!
//! They do exactly what the general code does in the common case: a short message without capabilities
//! meets a waiting partner, the scheduling context moves along, nobody more important is ready. They check
//! everything first and change nothing until all of it holds; otherwise the general code starts afresh.
//! The clock is not read: the scheduling context that pays stays the same, and the timer is set for it.

mod call;
mod reply_receive;
mod run_guest;

use sel4_sys::syscall;

use crate::address::TcbSlot;
use crate::capability::direct_slot;
use crate::message::{INFO_REGISTER, MESSAGE_REGISTERS};
use crate::object::{Register, Tcb};
use crate::{Kernel, Machine, SlotRef, TableRef, TcbRef};

/// Words and extra capabilities of a message's description.
const LENGTH_AND_CAPS: u64 = 0x1ff;
/// What a receiver is told: without the field of unwrapped capabilities.
const CAPS_UNWRAPPED: u64 = 7 << 9;

impl<M: Machine> Kernel<M> {
    /// Does a system call between threads, if it is one of the fast ones; answers who goes on.
    #[inline(always)]
    pub(crate) fn fast_message(&self) -> Option<TcbRef> {
        let current = self.current()?;
        let context = &self.tcb(current).context;
        let is_short =
            context.get(INFO_REGISTER) & LENGTH_AND_CAPS <= MESSAGE_REGISTERS.len() as u64;
        match context.get(Register::Rdx).cast_signed() {
            syscall::CALL if is_short => self.fast_call(current),
            syscall::REPLY_RECV if is_short => self.fast_reply_receive(current),
            _ => None,
        }
    }

    #[inline(always)]
    fn fast_lookup(&self, thread: TcbRef, address: u64) -> Option<SlotRef> {
        direct_slot(self.slot(thread.slot(TcbSlot::CSpace)).words(), address)
    }

    /// Whether nobody more important than a thread of this priority is ready.
    #[inline(always)]
    fn is_most_important(&self, priority: u8) -> bool {
        self.core
            .ready_priorities
            .highest()
            .is_none_or(|ready| ready <= priority)
    }

    #[inline(always)]
    fn fast_switch(&self, to: TcbRef, root: TableRef) -> TcbRef {
        self.core.current.set(Some(to));
        self.machine().activate_space(root);
        to
    }
}

/// Hands over a short message.
#[inline(always)]
fn transfer(from: &Tcb, to: &Tcb, badge: u64) {
    let info = from.context.get(INFO_REGISTER);
    for (register, index) in MESSAGE_REGISTERS.into_iter().zip(0..) {
        if index < info & LENGTH_AND_CAPS {
            to.context.set(register, from.context.get(register));
        }
    }
    to.context.set(INFO_REGISTER, info & !CAPS_UNWRAPPED);
    to.set_badge(badge);
}
