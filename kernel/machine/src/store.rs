//! The objects in frames: a reference is the object's address in the direct map.
//!
//! # Soundness
//!
//! Every method here turns a reference into a Rust reference, and rests on one argument. The kernel core
//! promises (see [`Store`]) that a reference leads to a living object of its type. It gets references only
//! by `kernel_address` for memory that Retype or boot set aside for that object and filled with zeroes,
//! which is a valid object of every type, or by `irq_slot`. The direct map holds all that memory for good,
//! writable, and Retype aligned it to the object's size. User programs cannot write it: memory is either
//! typed as objects or as frames, never both. All objects are made of `Cell`s, so any number of shared
//! references to one may exist, and only one core uses them at a time (see `single_core`). When an object
//! is destroyed the core drops the capabilities and references first, and no Rust reference outlives one
//! entry into the kernel.
//!
//! The two exceptions are words of user frames (`load`, `store`), which are accessed as volatile words
//! through the direct map and never as Rust references, because user programs may change them; and
//! `zero`, which fills memory that is no object yet.

use core::arch::asm;
use core::cell::Cell;

use kernel_core::{
    AsidPoolRef, BufferRef, Endpoint, EndpointRef, Notification, NotificationRef, PhysicalAddress,
    Refill, RefillRef, Reply, ReplyRef, SchedContext, SchedContextRef, Slot, SlotRef, Store,
    TableRef, Tcb, TcbRef, VcpuRef, VcpuState,
};

use crate::hardware::Hardware;
use crate::memory_layout::DIRECT_MAP;
use crate::svm::Vcpu;

/// Follows a reference.
macro_rules! follow {
    ($reference:expr => $object:ty) => {
        // SAFETY: the module's soundness paragraph.
        unsafe { &*($reference.address() as *const $object) }
    };
    ($($name:ident: $reference:ty => $object:ty;)*) => {
        $(#[inline(always)]
        fn $name(&self, at: $reference) -> &$object {
            follow!(at => $object)
        })*
    };
}

impl Store for Hardware {
    follow! {
        slot: SlotRef => Slot;
        tcb: TcbRef => Tcb;
        endpoint: EndpointRef => Endpoint;
        notification: NotificationRef => Notification;
        reply: ReplyRef => Reply;
        sched_context: SchedContextRef => SchedContext;
        refill: RefillRef => Refill;
        table: TableRef => [Cell<u64>; 512];
        asid_pool: AsidPoolRef => [Cell<u64>; 512];
    }

    #[inline(always)]
    fn vcpu(&self, at: VcpuRef) -> &VcpuState {
        &self.whole_vcpu(at).state
    }

    #[inline(always)]
    fn load(&self, at: BufferRef) -> u64 {
        // SAFETY: the module's soundness paragraph.
        unsafe { (at.address() as *const u64).read_volatile() }
    }

    #[inline(always)]
    fn store(&self, at: BufferRef, value: u64) {
        // SAFETY: the module's soundness paragraph.
        unsafe { (at.address() as *mut u64).write_volatile(value) }
    }

    fn zero(&self, start: PhysicalAddress, bytes: u64) {
        debug_assert!(bytes.is_multiple_of(8));
        // SAFETY: the module's soundness paragraph. Written out, as a call of memset would go through memory.
        unsafe {
            asm!(
                "rep stosq",
                inout("rcx") bytes / 8 => _,
                inout("rdi") DIRECT_MAP + start.0 => _,
                in("rax") 0,
                options(nostack, preserves_flags)
            );
        }
    }

    #[inline(always)]
    fn kernel_address(&self, at: PhysicalAddress) -> u64 {
        DIRECT_MAP + at.0
    }

    #[inline(always)]
    fn physical(&self, kernel_address: u64) -> PhysicalAddress {
        PhysicalAddress(kernel_address - DIRECT_MAP)
    }

    fn irq_slot(&self, irq: u8) -> SlotRef {
        self.irq_slots.slot(irq)
    }
}

impl Hardware {
    /// A virtual CPU with the machine's part.
    #[inline(always)]
    pub(crate) fn whole_vcpu(&self, at: VcpuRef) -> &Vcpu {
        follow!(at => Vcpu)
    }
}
