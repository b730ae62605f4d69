//! A booted kernel, and threads that make system calls.

use std::vec::Vec;

use sel4_sys::boot_info::BootInfo;
use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, MessageInfo, invocation as label, slot, syscall};

use super::host::Host;
use crate::capability::Capability;
use crate::message::{BADGE_REGISTER, BufferUse, MESSAGE_REGISTERS, REPLY_REGISTER};
use crate::object::{Register, ThreadState};
use crate::{
    BootInformation, ExtraChunk, Kernel, PhysicalAddress, Region, Resume, TcbRef, UserImage,
};

pub(super) const TICKS_PER_US: u64 = 10;
pub(super) const MEMORY: Region = Region {
    start: PhysicalAddress(0x100_0000),
    end: PhysicalAddress(0x200_0000),
};
pub(super) const DEVICES: Region = Region {
    start: PhysicalAddress(0xfed0_0000),
    end: PhysicalAddress(0xfed1_0000),
};
pub(super) const IMAGE: UserImage = UserImage {
    physical_start: PhysicalAddress(0x80_0000),
    virtual_start: 0x40_0000,
    virtual_end: 0x40_3000,
    entry: 0x40_1234,
};

/// What came back from an invocation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    pub(super) label: u64,
    pub(super) words: Vec<u64>,
}

impl Answer {
    pub(super) fn ok() -> Self {
        Self::of(0, &[])
    }

    pub(super) fn of(label: u64, words: &[u64]) -> Self {
        Self {
            label,
            words: words.to_vec(),
        }
    }

    pub(super) fn error(error: sel4_sys::Error, words: &[u64]) -> Self {
        Self::of(error as u64, words)
    }
}

/// A kernel whose root server makes the calls.
pub(super) struct World {
    pub(super) kernel: Kernel<Host>,
    pub(super) root: TcbRef,
    next_slot: core::cell::Cell<u64>,
}

impl World {
    pub(super) fn new() -> Self {
        let kernel = Kernel::new(Host::default());
        kernel.machine().now.set(1000);
        let resume = kernel
            .boot(&BootInformation {
                image: IMAGE,
                memory: &[MEMORY],
                devices: &[DEVICES],
                extra: &[ExtraChunk {
                    id: 5,
                    bytes: &[1, 2, 3, 4],
                }],
            })
            .expect("boots");
        let Resume::User(root) = resume else {
            panic!("not in user mode");
        };
        let world = Self {
            kernel,
            root,
            next_slot: core::cell::Cell::new(0),
        };
        world
            .next_slot
            .set(world.boot_info(core::mem::offset_of!(BootInfo, empty)));
        world
    }

    /// Where the frame of a root server's page lies.
    pub(super) fn boot_info_frame(&self) -> u64 {
        match self.capability(slot::BOOT_INFO_FRAME) {
            Capability::Frame(frame) => frame.start.0,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn boot_info(&self, offset: usize) -> u64 {
        self.kernel
            .machine()
            .word(self.boot_info_frame() + offset as u64)
    }

    /// What a slot of the root server's CNode holds.
    pub(super) fn capability(&self, slot: u64) -> Capability {
        let found = self.kernel.lookup_capability(self.root, slot);
        found.expect("slot exists").1
    }

    pub(super) fn fresh_slot(&self) -> u64 {
        self.next_slot.replace(self.next_slot.get() + 1)
    }

    /// An untyped capability from bootinfo with room for an object of this size.
    pub(super) fn untyped(&self, bits: u8) -> u64 {
        let start = self.boot_info(core::mem::offset_of!(BootInfo, untyped));
        let end = self.boot_info(core::mem::offset_of!(BootInfo, untyped) + 8);
        (start..end)
            .find(|slot| {
                matches!(self.capability(*slot), Capability::Untyped(untyped)
                    if !untyped.device && (untyped.size() - untyped.used) >> bits > 0)
            })
            .expect("enough memory")
    }

    pub(super) fn device_untyped(&self) -> u64 {
        self.boot_info(core::mem::offset_of!(BootInfo, untyped))
    }

    pub(super) fn set_registers(&self, thread: TcbRef, number: i64, cptr: u64) {
        let context = &self.kernel.tcb(thread).context;
        context.set(Register::Rdx, number.cast_unsigned());
        context.set(BADGE_REGISTER, cptr);
    }

    /// Puts a message into a thread's registers and buffer.
    pub(super) fn set_message(&self, thread: TcbRef, label: u64, words: &[u64], caps: &[u64]) {
        let kernel = &self.kernel;
        let buffer = kernel.buffer(thread, BufferUse::Write);
        kernel.set_message(thread, buffer, words.iter().copied());
        for (index, cap) in (122..).zip(caps) {
            let buffer = buffer.expect("capabilities need a buffer");
            crate::Store::store(kernel.machine(), buffer.word(index), *cap);
        }
        kernel.tcb(thread).set_message_info(MessageInfo::new(
            label,
            caps.len() as u64,
            words.len() as u64,
        ));
    }

    /// The message that a thread has got.
    pub(super) fn message(&self, thread: TcbRef) -> Answer {
        let info = self.kernel.tcb(thread).message_info();
        let buffer = self.kernel.buffer(thread, BufferUse::Read);
        let words = (0..info.length())
            .map(|index| self.kernel.message_word(thread, buffer, index))
            .collect();
        Answer {
            label: info.label(),
            words,
        }
    }

    pub(super) fn badge(&self, thread: TcbRef) -> u64 {
        self.kernel.tcb(thread).context.get(BADGE_REGISTER)
    }

    pub(super) fn state(&self, thread: TcbRef) -> ThreadState {
        self.kernel.tcb(thread).state.get()
    }

    /// The fast paths' part of a system call.
    pub(super) fn enter_fast(&self) -> Option<Resume> {
        let current = self.kernel.current()?;
        let number = self.kernel.tcb(current).context.get(Register::Rdx);
        let kernel = &self.kernel;
        match number.cast_signed() {
            syscall::CALL => kernel
                .handle_fast_call(current)
                .map(Resume::User)
                .or_else(|| kernel.handle_fast_run_guest(current))
                .or_else(|| kernel.handle_fast_invocation(current).map(Resume::User)),
            syscall::REPLY_RECV => kernel.handle_fast_reply_receive(current).map(Resume::User),
            _ => kernel.handle_fast_system_call(current),
        }
    }

    /// The current thread makes a system call with what its registers hold.
    pub(super) fn enter(&self) -> Resume {
        let current = self.kernel.current().expect("somebody runs");
        let context = &self.kernel.tcb(current).context;
        context.set(Register::Rip, context.get(Register::Rip).wrapping_add(2));
        self.enter_fast()
            .unwrap_or_else(|| self.kernel.handle_system_call())
    }

    /// The current thread makes a system call.
    pub(super) fn system_call(&self, number: i64, cptr: u64) -> Resume {
        let current = self.kernel.current().expect("somebody runs");
        self.set_registers(current, number, cptr);
        self.enter()
    }

    /// The current thread receives.
    pub(super) fn receive(&self, number: i64, cptr: u64, reply: u64) -> Resume {
        let current = self.kernel.current().expect("somebody runs");
        self.kernel.tcb(current).context.set(REPLY_REGISTER, reply);
        self.system_call(number, cptr)
    }

    /// The current thread sends words.
    pub(super) fn send(&self, number: i64, cptr: u64, words: &[u64]) -> Resume {
        let current = self.kernel.current().expect("somebody runs");
        self.set_message(current, 0, words, &[]);
        self.system_call(number, cptr)
    }

    /// The root server invokes a kernel object; preempted calls are repeated.
    pub(super) fn invoke(&self, cptr: u64, label: u64, words: &[u64], caps: &[u64]) -> Answer {
        assert_eq!(self.kernel.current(), Some(self.root), "root must run");
        let before = self.kernel.tcb(self.root).context.get(Register::Rip);
        self.set_message(self.root, label, words, caps);
        self.system_call(syscall::CALL, cptr);
        for _ in 0..10_000 {
            let context = &self.kernel.tcb(self.root).context;
            if context.get(Register::Rip) != before {
                return self.message(self.root);
            }
            self.enter();
        }
        panic!("no end")
    }

    pub(super) fn expect(&self, cptr: u64, label: u64, words: &[u64], caps: &[u64]) {
        assert_eq!(self.invoke(cptr, label, words, caps), Answer::ok());
    }

    /// Like [`World::expect`] where another thread may run before the answer is seen.
    pub(super) fn expect_yielding(&self, cptr: u64, label: u64, words: &[u64], caps: &[u64]) {
        self.set_message(self.root, label, words, caps);
        self.system_call(syscall::CALL, cptr);
        assert_eq!(self.message(self.root), Answer::ok());
    }

    /// Retypes `count` objects into fresh slots; answers the first slot.
    pub(super) fn make_many(&self, object: ObjectType, bits: u64, count: u64) -> u64 {
        let object_bits = object.size_bits(bits);
        let size = (count << object_bits).next_power_of_two().ilog2();
        let untyped = self.untyped(u8::try_from(size).expect("small"));
        let first = self.fresh_slot();
        self.next_slot.set(first + count);
        let words = [object as u64, bits, 0, 0, first, count];
        self.expect(untyped, label::UNTYPED_RETYPE, &words, &[slot::CNODE]);
        first
    }

    pub(super) fn make(&self, object: ObjectType, bits: u64) -> u64 {
        self.make_many(object, bits, 1)
    }

    /// A copy of a root server's capability with fewer rights and a badge.
    pub(super) fn mint(&self, from: u64, rights: CapRights, badge: u64) -> u64 {
        let to = self.fresh_slot();
        let words = [to, 64, from, 64, rights.0, badge];
        self.expect(slot::CNODE, label::CNODE_MINT, &words, &[slot::CNODE]);
        to
    }

    pub(super) fn copy(&self, from: u64) -> u64 {
        let to = self.fresh_slot();
        let words = [to, 64, from, 64, 15];
        self.expect(slot::CNODE, label::CNODE_COPY, &words, &[slot::CNODE]);
        to
    }

    pub(super) fn delete(&self, slot: u64) {
        self.expect(slot::CNODE, label::CNODE_DELETE, &[slot, 64], &[]);
    }

    pub(super) fn revoke(&self, slot: u64) {
        self.expect(slot::CNODE, label::CNODE_REVOKE, &[slot, 64], &[]);
    }

    /// The thread behind a capability.
    pub(super) fn thread(&self, slot: u64) -> TcbRef {
        match self.capability(slot) {
            Capability::Thread(thread) => thread,
            other => panic!("{other:?}"),
        }
    }

    /// A thread in the root server's spaces with an own buffer, stopped, without time.
    pub(super) fn new_passive(&self, priority: u64) -> Thread {
        let tcb = self.make(ObjectType::Tcb, 0);
        let frame = self.make(ObjectType::Page, 0);
        let words = [0, 0, 0x1000_0000];
        let caps = [slot::CNODE, slot::VSPACE, frame];
        self.expect(tcb, label::TCB_CONFIGURE, &words, &caps);
        self.expect(tcb, label::TCB_SET_PRIORITY, &[priority], &[slot::TCB]);
        let thread = self.thread(tcb);
        self.kernel.tcb(thread).fault_address.set(0x50_0000);
        Thread { slot: tcb, thread }
    }

    /// A context with a round-robin budget.
    pub(super) fn new_context(&self, budget_us: u64, period_us: u64) -> u64 {
        let context = self.make(ObjectType::SchedContext, 8);
        let control = self.boot_info(core::mem::offset_of!(BootInfo, sched_control));
        let words = [budget_us, period_us, 0, 77, 0];
        let configure = label::SCHED_CONTROL_CONFIGURE_FLAGS;
        self.expect(control, configure, &words, &[context]);
        context
    }

    /// A thread with time of its own, started.
    pub(super) fn new_thread(&self, priority: u64) -> Thread {
        let thread = self.new_passive(priority);
        let context = self.new_context(1000, 1000);
        self.expect(context, label::SCHED_CONTEXT_BIND, &[], &[thread.slot]);
        self.expect(thread.slot, label::TCB_RESUME, &[], &[]);
        thread
    }

    /// The root server lowers its priority, so that others run when they can.
    pub(super) fn set_root_priority(&self, priority: u64) {
        self.set_message(
            self.root,
            label::TCB_SET_PRIORITY,
            &[priority],
            &[slot::TCB],
        );
        self.system_call(syscall::CALL, slot::TCB);
    }

    /// Makes the root server the most important thread while another one runs.
    pub(super) fn set_root_priority_of_waiting(&self, priority: u8) {
        self.kernel.set_priority(self.root, priority);
        self.kernel.leave();
        assert!(self.is_current(self.root));
    }

    /// Changes the root server's priority while it runs a guest.
    pub(super) fn set_root_priority_of_guest(&self, priority: u8) {
        self.kernel.set_priority(self.root, priority);
        self.kernel.leave();
    }

    pub(super) fn is_current(&self, thread: TcbRef) -> bool {
        self.kernel.current() == Some(thread)
    }

    pub(super) fn advance_us(&self, us: u64) {
        let now = &self.kernel.machine().now;
        now.set(now.get() + us * TICKS_PER_US);
    }

    /// What the first message registers of a thread hold.
    pub(super) fn registers(&self, thread: TcbRef) -> [u64; 4] {
        MESSAGE_REGISTERS.map(|register| self.kernel.tcb(thread).context.get(register))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Thread {
    pub(super) slot: u64,
    pub(super) thread: TcbRef,
}
