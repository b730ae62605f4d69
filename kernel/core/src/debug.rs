//! The system calls that only debug programs use.

use sel4_sys::syscall;

use crate::capability::Capability;
use crate::message::{BADGE_REGISTER, BufferUse, buffer_word};
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
                let tag = match self.lookup_capability(thread, argument) {
                    Ok((_, capability)) => capability.raw_tag(),
                    Err(_) => Capability::Null.raw_tag(),
                };
                context.set(BADGE_REGISTER, tag);
            }
            syscall::DEBUG_NAME_THREAD => self.name_thread(thread, argument),
            _ => return false,
        }
        true
    }

    /// Names the thread at a capability address; the name stands in the caller's IPC buffer.
    fn name_thread(&self, caller: TcbRef, address: u64) {
        let Ok((_, Capability::Thread(named))) = self.lookup_capability(caller, address) else {
            return;
        };
        let Some(buffer) = self.buffer(caller, BufferUse::Read) else {
            return;
        };
        let name = &self.tcb(named).name;
        let (last, bytes) = match name.split_last() {
            Some(parts) => parts,
            None => return,
        };
        last.set(0);
        for (word, chunk) in (0..).zip(bytes.chunks(8)) {
            let text = self
                .machine()
                .load(buffer.word(buffer_word::MESSAGE + word));
            for (cell, byte) in chunk.iter().zip(text.to_le_bytes()) {
                cell.set(byte);
                if byte == 0 {
                    return;
                }
            }
        }
    }
}
