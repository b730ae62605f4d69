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

/// Defines a reference type. `Option` of it is one word, and zero bits are `None`.
macro_rules! reference {
    ($(#[$documentation:meta])* $name:ident) => {
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
    };
}

reference!(
    /// A capability slot: 32 bytes, in a CNode, in a TCB, or in the table of interrupt handlers.
    SlotRef
);
reference!(
    /// A thread: 2048 bytes.
    TcbRef
);
reference!(
    /// An endpoint: 16 bytes.
    EndpointRef
);
reference!(
    /// A notification: 64 bytes.
    NotificationRef
);
reference!(
    /// A reply object: 32 bytes.
    ReplyRef
);
reference!(
    /// A scheduling context: 128 bytes and more.
    SchedContextRef
);
reference!(
    /// One refill of a scheduling context: 16 bytes.
    RefillRef
);
reference!(
    /// A page table of any level and either kind: 512 words.
    TableRef
);
reference!(
    /// An ASID pool: 512 words.
    AsidPoolRef
);
reference!(
    /// A word in a frame that users can write as well (an IPC buffer).
    BufferRef
);
reference!(
    /// A virtual CPU: 8192 bytes, all of them the machine's.
    VcpuRef
);
