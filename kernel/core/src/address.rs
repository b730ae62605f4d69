//! References to kernel objects, and physical addresses.
//!
//! A reference is the address of an object in the kernel's own mapping of memory. To this crate it is
//! opaque: only a [`Store`](crate::Store) can follow it. References come from capabilities and from
//! other objects, never from user numbers.

use core::num::NonZeroU64;

/// An address in physical memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(transparent)]
pub struct PhysicalAddress(pub u64);

/// Defines reference types. `Option` of one is one word, and zero bits are `None`.
macro_rules! references {
    ($($(#[$documentation:meta])* $name:ident;)*) => {$(
        $(#[$documentation])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(transparent)]
        pub struct $name(NonZeroU64);

        impl $name {
            /// The reference to the object at this kernel address; `None` for address zero.
            #[inline(always)]
            pub const fn new(address: u64) -> Option<Self> {
                match NonZeroU64::new(address) {
                    Some(address) => Some(Self(address)),
                    None => None,
                }
            }

            /// The object's kernel address.
            #[inline(always)]
            pub const fn address(self) -> u64 {
                self.0.get()
            }
        }
    )*};
}

references! {
    /// A capability slot: 32 bytes, in a CNode, in a TCB, or in the table of interrupt handlers.
    SlotRef;
    /// A thread: 2048 bytes.
    TcbRef;
    /// An endpoint: 16 bytes.
    EndpointRef;
    /// A notification: 64 bytes.
    NotificationRef;
    /// A reply object: 32 bytes.
    ReplyRef;
    /// A scheduling context: 128 bytes and more.
    SchedContextRef;
    /// One refill of a scheduling context: 16 bytes.
    RefillRef;
    /// A page table of any level and either kind: 512 words.
    TableRef;
    /// An ASID pool: 512 words.
    AsidPoolRef;
    /// A virtual CPU: 8192 bytes, all of them the machine's.
    VcpuRef;
}

/// A word in a frame that users can write as well (an IPC buffer). It lies in no object, so it need not fit
/// an `Option` of one word; a plain number makes the address of the next word cheap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct BufferRef(u64);

/// Bytes of a slot.
pub(crate) const SLOT_BYTES: u64 = 32;

impl SlotRef {
    /// The slot `index` places further.
    #[inline(always)]
    pub(crate) fn offset(self, index: u64) -> Self {
        Self(self.0.saturating_add(index * SLOT_BYTES))
    }
}

impl SlotRef {
    /// The slot with an index in a CNode that begins here. CNodes are aligned to their size, so the offset
    /// can be or'ed in, which costs less than a checked sum.
    #[inline(always)]
    pub(crate) fn in_cnode(self, index: u64) -> Self {
        Self(self.0 | (index * SLOT_BYTES))
    }
}

impl RefillRef {
    /// The refill `index` places after the first one of a scheduling context, which is aligned to its size.
    #[inline(always)]
    pub(crate) fn of(context: SchedContextRef, index: u32) -> Self {
        Self(context.0 | (96 + u64::from(index) * 16))
    }
}

impl BufferRef {
    /// The word at this kernel address; `None` for address zero.
    #[inline(always)]
    pub const fn new(address: u64) -> Option<Self> {
        if address == 0 {
            None
        } else {
            Some(Self(address))
        }
    }

    /// The word's kernel address.
    #[inline(always)]
    pub const fn address(self) -> u64 {
        self.0
    }

    /// The word `index` words further.
    #[inline(always)]
    pub(crate) fn word(self, index: u64) -> Self {
        Self(self.0.wrapping_add(index * 8))
    }
}

/// Offset of the capability slots in a TCB.
const TCB_SLOTS: u64 = core::mem::offset_of!(crate::Tcb, slots) as u64;

/// The capabilities that a thread itself holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub(crate) enum TcbSlot {
    CSpace = 0,
    VSpace = 1,
    Buffer = 2,
    FaultHandler = 3,
    TimeoutHandler = 4,
}

/// Number of slots in a TCB.
pub(crate) const TCB_SLOT_COUNT: u64 = 5;

impl TcbRef {
    /// One of the thread's own slots.
    #[inline(always)]
    pub(crate) fn slot(self, slot: TcbSlot) -> SlotRef {
        // A TCB is aligned to its 2048 bytes.
        SlotRef(self.0 | (TCB_SLOTS + slot as u64 * SLOT_BYTES))
    }
}
