//! The system calls that only debug programs use.

use sel4_sys::syscall;

use crate::capability::raw_tag;
use crate::message::BADGE_REGISTER;
use crate::{Kernel, Machine, TcbRef};

impl<M: Machine> Kernel<M> {
    /// Does debug call `number`; answers whether there is one. DumpScheduler and Snapshot are not offered.
    pub(crate) fn debug_call(&self, thread: TcbRef, number: i64) -> bool {
        let context = &self.tcb(thread).context;
        let argument = context.get(BADGE_REGISTER);
        match number {
            syscall::DEBUG_PUT_CHAR => self.machine().debug_put_byte((argument & 0xff) as u8),
            // Anybody could stop everybody else: only in images built for that.
            #[cfg(feature = "debug-halt")]
            syscall::DEBUG_HALT => self.machine().halt(),
            syscall::DEBUG_CAP_IDENTIFY => {
                let slot = self.lookup_slot(thread, argument);
                let tag = slot.map_or(0, |slot| raw_tag(self.slot(slot).words()));
                context.set(BADGE_REGISTER, tag);
            }
            // Nothing shows names.
            syscall::DEBUG_NAME_THREAD => (),
            _ => return false,
        }
        true
    }
}
