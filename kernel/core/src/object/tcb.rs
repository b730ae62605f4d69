//! Threads.

use core::cell::Cell;

use sel4_sys::CapRights;

use super::Slot;
use crate::{NotificationRef, ReplyRef, SchedContextRef, SlotRef, TableRef, TcbRef, VcpuRef};

macro_rules! registers {
    ($($name:ident)*) => {
        /// A register of a user thread: its index in the user context, which is the interface's order.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        #[expect(missing_docs, reason = "the registers' own names")]
        pub enum Register {
            $($name,)*
        }

        impl Register {
            /// All of them, in the order of the interface's user context.
            pub(crate) const ALL: [Self; 20] = [$(Self::$name,)*];
        }
    };
}

registers! {
    Rip Rsp Rflags Rax Rbx Rcx Rdx Rsi Rdi Rbp
    R8 R9 R10 R11 R12 R13 R14 R15 FsBase GsBase
}

/// The registers of a user thread in the order of [`Register`].
///
/// While a thread runs, the machine keeps its FPU state and segment bases in the processor; it writes
/// them here before another thread runs, or when asked by [`Machine::release_thread`](crate::Machine::release_thread).
#[repr(C)]
#[derive(Default)]
pub struct UserContext {
    /// The registers, indexed by [`Register`].
    pub registers: [Cell<u64>; 20],
}

impl UserContext {
    /// The value of one register.
    #[inline(always)]
    pub fn get(&self, register: Register) -> u64 {
        self.registers[register as usize].get()
    }

    /// Changes one register.
    #[inline(always)]
    pub fn set(&self, register: Register, value: u64) {
        self.registers[register as usize].set(value);
    }
}

/// What a thread is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum ThreadState {
    /// Not started, suspended, or its fault had no handler.
    #[default]
    Inactive,
    /// Can run user code.
    Running,
    /// Will repeat the instruction at its fault address.
    Restart,
    /// Can run its vCPU's guest code.
    RunningGuest,
    /// Waits to receive from an endpoint.
    BlockedOnReceive,
    /// Waits to send to an endpoint.
    BlockedOnSend,
    /// Waits for an answer to its call or fault.
    BlockedOnReply,
    /// Waits for a signal.
    BlockedOnNotification,
}

/// Bytes that the processor's extended state takes: XSAVE with x87, SSE and AVX.
pub const FPU_BYTES: usize = 832;

/// The processor's extended state; only the machine looks inside.
#[repr(C, align(64))]
pub struct FpuArea {
    pub(crate) bytes: [Cell<u8>; FPU_BYTES],
}

impl FpuArea {
    /// Makes zeroed memory the state after FNINIT with SSE exceptions masked: x87 control word at 0, MXCSR at
    /// 24 (AMD64 manual 2, figure 11-8).
    pub(crate) fn initialise(&self) {
        for (at, byte) in [(0, 0x7f), (1, 0x03), (24, 0x80), (25, 0x1f)] {
            self.bytes[at].set(byte);
        }
    }
}

/// A thread. The object takes 2048 bytes.
#[repr(C, align(64))]
pub struct Tcb {
    /// The user registers.
    pub context: UserContext,
    /// Capabilities, indexed by [`TcbSlot`].
    pub(crate) slots: [Slot; 5],
    /// The extended state of the processor.
    pub fpu: FpuArea,
    /// Where the thread repeats what it was doing if restarted; system calls set it to their own address.
    pub(crate) fault_address: Cell<u64>,
    pub(crate) state: Cell<ThreadState>,
    /// Whether the thread stands in a ready queue.
    pub(crate) in_ready_queue: Cell<bool>,
    /// Whether the thread stands in the release queue.
    pub(crate) in_release_queue: Cell<bool>,
    pub(crate) priority: Cell<u8>,
    pub(crate) max_controlled_priority: Cell<u8>,
    pub(crate) domain: Cell<u8>,
    /// Flags of TCB SetFlags: bit 0, the thread may not use the FPU.
    pub(crate) flags: Cell<u64>,
    pub(crate) sched_context: Cell<Option<SchedContextRef>>,
    /// The scheduling context that this thread yielded to, until it consumed that time.
    pub(crate) yield_to: Cell<Option<SchedContextRef>>,
    pub(crate) bound_notification: Cell<Option<NotificationRef>>,
    /// The reply object the thread receives with, or whose answer it waits for.
    pub(crate) reply: Cell<Option<ReplyRef>>,
    /// The endpoint or notification in whose queue the thread stands, as an address.
    pub(crate) blocking_object: Cell<u64>,
    pub(crate) waiting: Waiting,
    pub(crate) fault: Fault,
    /// Neighbours in the ready or release queue.
    pub(crate) ready_previous: Cell<Option<TcbRef>>,
    pub(crate) ready_next: Cell<Option<TcbRef>>,
    /// Neighbours in an endpoint's or notification's queue.
    pub(crate) queue_previous: Cell<Option<TcbRef>>,
    pub(crate) queue_next: Cell<Option<TcbRef>>,
    /// The user's address of the IPC buffer.
    pub(crate) buffer_address: Cell<u64>,
    pub(crate) route: Route,
    /// What debug builds show of the thread, and the next of all threads there.
    pub(crate) name: Cell<[u8; 32]>,
    pub(crate) next_thread: Cell<Option<TcbRef>>,
    /// The vCPU that the thread runs, while it runs one.
    pub(crate) vcpu: Cell<Option<VcpuRef>>,
}

impl Tcb {
    /// Whether the thread's use of the FPU is to fault.
    #[inline(always)]
    pub fn is_fpu_disabled(&self) -> bool {
        self.flags.get() & 1 != 0
    }
}

impl Tcb {
    /// The address of the `syscall` instruction by which the thread entered the kernel.
    #[inline(always)]
    pub(crate) fn system_call_address(&self) -> u64 {
        const INSTRUCTION_BYTES: u64 = 2;
        let after = self.context.get(Register::Rip);
        after.wrapping_sub(INSTRUCTION_BYTES)
    }
}

/// Where a thread's own capabilities lead, as found at a count of changes; `route.rs` says more.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Route {
    pub(crate) epoch: Cell<u64>,
    /// The root of its address space, if that is valid.
    pub(crate) space: Cell<Option<TableRef>>,
    /// The slots of its CNode, if the first so many capability addresses name them one by one.
    pub(crate) slots: Cell<Option<SlotRef>>,
    pub(crate) slot_count: Cell<u64>,
}

/// What a thread that waits on an endpoint brought along.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) badge: Cell<u64>,
    pub(crate) rights: Cell<CapRights>,
    pub(crate) is_call: Cell<bool>,
}

/// The fault for which a thread stopped, until it is answered.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Fault {
    /// The label of its message; zero for none.
    pub(crate) kind: Cell<u64>,
    /// What the message says beyond the thread's registers.
    pub(crate) words: [Cell<u64>; 6],
    pub(crate) word_count: Cell<u64>,
}

const _: () = assert!(size_of::<Tcb>() <= 2048);
