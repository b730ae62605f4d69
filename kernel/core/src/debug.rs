//! The system calls that only debug programs use, and what debug builds print of themselves.

use core::fmt::{self, Write};

use sel4_sys::{ipc_buffer, syscall};

use crate::address::TcbSlot;
use crate::capability::{Capability, raw_tag};
use crate::fault::FaultReport;
use crate::message::{BADGE_REGISTER, BufferUse};
use crate::object::Register;
use crate::{Kernel, Machine, TcbRef};

/// The debug console.
struct Console<'a, M>(&'a M);

impl<M: Machine> Write for Console<'_, M> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.0.debug_put_byte(byte));
        Ok(())
    }
}

impl<M: Machine> Kernel<M> {
    /// Does debug call `number`; answers whether there is one.
    pub(crate) fn debug_call(&self, thread: TcbRef, number: i64) -> bool {
        let context = &self.tcb(thread).context;
        let argument = context.get(BADGE_REGISTER);
        match number {
            syscall::DEBUG_PUT_CHAR => self.machine().debug_put_byte((argument & 0xff) as u8),
            syscall::DEBUG_DUMP_SCHEDULER => self.print_threads(),
            // Anybody could stop everybody else: only in images built for that.
            #[cfg(feature = "debug-halt")]
            syscall::DEBUG_HALT => self.machine().halt(),
            syscall::DEBUG_CAP_IDENTIFY => {
                let slot = self.lookup_slot(thread, argument);
                let tag = slot.map_or(0, |slot| raw_tag(self.slot(slot).words()));
                context.set(BADGE_REGISTER, tag);
            }
            syscall::DEBUG_SNAPSHOT => self.print_capabilities(thread),
            syscall::DEBUG_NAME_THREAD => {
                if let Ok((_, Capability::Thread(named))) = self.lookup_capability(thread, argument)
                {
                    self.name_thread(named, thread);
                }
            }
            _ => return false,
        }
        true
    }

    /// A line on the debug console.
    fn print(&self, line: fmt::Arguments<'_>) {
        // The console cannot fail.
        let _ = writeln!(Console(self.machine()), "{line}\r");
    }

    /// Takes a thread's name from another's IPC buffer, where it stands in the place of the message.
    fn name_thread(&self, named: TcbRef, by: TcbRef) {
        let Some(buffer) = self.buffer(by, BufferUse::Read) else {
            return;
        };
        let mut name = [0; 32];
        for (index, text) in (ipc_buffer::MESSAGE..).zip(name.chunks_exact_mut(8)) {
            let word = self.machine().load(buffer.word(index));
            text.copy_from_slice(&word.to_le_bytes());
        }
        self.tcb(named).name.set(name);
    }

    fn print_threads(&self) {
        self.print(format_args!("thread, name, state, instruction, priority"));
        let mut next = self.threads.get();
        while let Some(thread) = next {
            let tcb = self.tcb(thread);
            self.print(format_args!(
                "{:#x} {:32} {:21?} {:#18x} {:3}",
                thread.address(),
                shown(&tcb.name.get()),
                tcb.state.get(),
                tcb.context.get(Register::Rip),
                tcb.priority.get(),
            ));
            next = tcb.next_thread.get();
        }
    }

    /// The capabilities in the first CNode of a thread's space.
    fn print_capabilities(&self, thread: TcbRef) {
        let name = self.tcb(thread).name.get();
        self.print(format_args!("{}: slot, type, words", shown(&name)));
        let root = self.slot(thread.slot(TcbSlot::CSpace)).capability();
        let Capability::CNode(cnode) = root else {
            return;
        };
        for index in 0..cnode.slots() {
            let words = self.slot(cnode.slot(index)).words();
            if words != [0; 2] {
                self.print(format_args!("{index} {} {words:x?}", raw_tag(words)));
            }
        }
    }

    /// A fault that nobody handles: the thread has stopped.
    pub(crate) fn print_fault(&self, thread: TcbRef, report: &FaultReport) {
        let tcb = self.tcb(thread);
        let (name, at) = (tcb.name.get(), tcb.context.get(Register::Rip));
        let (name, kind, words) = (shown(&name), report.kind, report.words);
        self.print(format_args!(
            "thread {name} stops at {at:#x}: fault {kind}, {words:x?}"
        ));
    }

    /// A new thread is among those that DumpScheduler shows.
    pub(crate) fn list_thread(&self, thread: TcbRef) {
        let next = self.threads.replace(Some(thread));
        self.tcb(thread).next_thread.set(next);
    }

    /// The thread is going away.
    pub(crate) fn unlist_thread(&self, thread: TcbRef) {
        let mut link = &self.threads;
        while let Some(other) = link.get()
            && other != thread
        {
            link = &self.tcb(other).next_thread;
        }
        link.set(self.tcb(thread).next_thread.get());
    }
}

/// A thread's name up to the first byte that is no printable character.
fn shown(name: &[u8]) -> &str {
    let is_shown = |byte: &&u8| byte.is_ascii_graphic() || **byte == b' ';
    let length = name.iter().take_while(is_shown).count();
    match str::from_utf8(&name[..length]) {
        Ok(name) if length > 0 => name,
        _ => "without name",
    }
}
