//! The kernel's state.

use core::cell::Cell;

use crate::core_state::Core;
use crate::delete::Dying;
use crate::interrupt::IrqUse;
use crate::ipc::Meeting;
use crate::object::{Endpoint, Notification, Refill, Reply, SchedContext, Slot, Tcb, VcpuState};
use crate::{
    AsidPoolRef, EndpointRef, Machine, NotificationRef, RefillRef, ReplyRef, SchedContextRef,
    SlotRef, TcbRef, VcpuRef,
};

/// What the machine does when the kernel is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resume {
    /// Return to user mode with the thread's context.
    User(TcbRef),
    /// Enter the guest of this vCPU, for the current thread.
    Guest(VcpuRef),
    /// Wait for an interrupt.
    Idle,
}

/// Number of interrupt lines: vectors 32 to 159.
pub(crate) const IRQ_LINES: usize = 128;
/// Words of the map of issued I/O ports.
const PORT_WORDS: usize = 65536 / 64;
/// Number of ASID pools.
pub(crate) const ASID_POOLS: usize = 8;

/// The kernel over a machine.
pub struct Kernel<M: Machine> {
    machine: M,
    /// What belongs to this processor core.
    pub(crate) core: Core,
    pub(crate) asid_pools: [Cell<Option<AsidPoolRef>>; ASID_POOLS],
    pub(crate) irq_use: [Cell<IrqUse>; IRQ_LINES],
    /// One bit for each I/O port that a capability names.
    pub(crate) ports: [Cell<u64>; PORT_WORDS],
    /// The destroyed table of capabilities whose contents are being deleted.
    pub(crate) dying: Cell<Option<Dying>>,
    /// The destroyed endpoint or notification whose waiting threads are being told.
    pub(crate) deserted: Cell<Option<Meeting>>,
    /// Steps since a long operation last looked for interrupts.
    pub(crate) steps: Cell<u32>,
    /// The first of all threads, in debug builds.
    pub(crate) threads: Cell<Option<TcbRef>>,
    /// Counts the changes after which threads' routes may lead elsewhere; see `route`.
    pub(crate) route_epoch: Cell<u64>,
}

impl<M: Machine> Kernel<M> {
    /// A kernel that has not booted.
    pub const fn new(machine: M) -> Self {
        Self {
            machine,
            core: Core::new(),
            asid_pools: [const { Cell::new(None) }; ASID_POOLS],
            irq_use: [const { Cell::new(IrqUse::Free) }; IRQ_LINES],
            ports: [const { Cell::new(0) }; PORT_WORDS],
            dying: Cell::new(None),
            deserted: Cell::new(None),
            steps: Cell::new(0),
            threads: Cell::new(None),
            route_epoch: Cell::new(1),
        }
    }

    /// The machine.
    #[inline(always)]
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The thread that runs, if any.
    #[inline(always)]
    pub fn current(&self) -> Option<TcbRef> {
        self.core.current.get()
    }

    #[inline(always)]
    pub(crate) fn refill(&self, context: SchedContextRef, index: u32) -> &Refill {
        self.machine.refill(RefillRef::of(context, index))
    }
}

/// Follows references by the machine's memory.
macro_rules! follow {
    ($($name:ident: $reference:ty => $object:ty;)*) => {
        impl<M: Machine> Kernel<M> {
            $(#[inline(always)]
            pub(crate) fn $name(&self, at: $reference) -> &$object {
                self.machine.$name(at)
            })*
        }
    };
}

follow! {
    slot: SlotRef => Slot;
    tcb: TcbRef => Tcb;
    endpoint: EndpointRef => Endpoint;
    notification: NotificationRef => Notification;
    reply: ReplyRef => Reply;
    sched_context: SchedContextRef => SchedContext;
    vcpu: VcpuRef => VcpuState;
}
