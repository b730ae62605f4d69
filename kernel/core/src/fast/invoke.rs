//! Invocations that concern nobody but the caller: memory is made and mapped.
//!
//! The work is the general code's own. What is saved is around it: the look at the clock, the scheduler's, the
//! search for capabilities at any depth. Whatever is refused or interrupted is done by the general code again.

use sel4_sys::invocation as label;
use sel4_sys::{MessageInfo, ipc_buffer};

use crate::capability::{frame_of, untyped_of};
use crate::invoke::Invocation;
use crate::message::{BADGE_REGISTER, BufferUse};
use crate::{Kernel, Machine, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Does the current thread's Call if it retypes memory, or maps or unmaps a frame, in the common way, and
    /// says who goes on; otherwise changes nothing, or what the same call would change first in any case.
    #[inline(always)]
    pub fn handle_fast_invocation(&self, current: TcbRef) -> Option<TcbRef> {
        let tcb = self.tcb(current);
        let info = tcb.message_info();
        let label = info.label();
        if !matches!(
            label,
            label::UNTYPED_RETYPE | label::X86_PAGE_MAP | label::X86_PAGE_UNMAP
        ) || self.is_deleting()
        {
            return None;
        }
        let slot = self.direct_slot(current, tcb.context.get(BADGE_REGISTER))?;
        let buffer = self.buffer(current, BufferUse::Read)?;
        let extra = match info.extra_caps() {
            0 => None,
            1 => {
                let word = buffer.word(ipc_buffer::CAPS_OR_BADGES);
                Some(self.direct_slot(current, self.machine().load(word))?)
            }
            _ => return None,
        };
        let invocation = Invocation {
            thread: current,
            slot,
            label,
            length: info.length(),
            buffer: Some(buffer),
            extra: [extra, None, None],
            wants_answer: true,
        };
        let words = self.slot(slot).words();
        match label {
            label::X86_PAGE_MAP => self.page_map(&invocation, frame_of(words)?, false).ok()?,
            label::X86_PAGE_UNMAP => self.page_unmap(&invocation, &frame_of(words)?),
            _ => self.retype(&invocation, untyped_of(words)?).ok()?,
        }
        tcb.set_badge(0);
        tcb.set_message_info(MessageInfo::default());
        Some(current)
    }
}
