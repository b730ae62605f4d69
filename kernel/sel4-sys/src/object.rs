//! Object types for Untyped_Retype and the sizes of objects.

/// Smallest and largest untyped object, in bits.
pub const UNTYPED_BITS_MIN: u64 = 4;
/// Largest untyped object, in bits.
pub const UNTYPED_BITS_MAX: u64 = 47;
/// A slot of a CNode is 2^5 bytes.
pub const SLOT_BITS: u64 = 5;
/// A TCB is 2^11 bytes.
pub const TCB_BITS: u64 = 11;
/// An endpoint is 2^4 bytes.
pub const ENDPOINT_BITS: u64 = 4;
/// A notification is 2^6 bytes.
pub const NOTIFICATION_BITS: u64 = 6;
/// A reply object is 2^5 bytes.
pub const REPLY_BITS: u64 = 5;
/// The smallest scheduling context is 2^7 bytes.
pub const SCHED_CONTEXT_BITS_MIN: u64 = 7;
/// A paging structure of any level is 2^12 bytes, and so is the smallest frame.
pub const PAGE_BITS: u64 = 12;
/// A large frame is 2 MiB.
pub const LARGE_PAGE_BITS: u64 = 21;
/// A huge frame is 1 GiB.
pub const HUGE_PAGE_BITS: u64 = 30;
/// An ASID pool is 2^12 bytes with 512 entries.
pub const ASID_POOL_BITS: u64 = 12;
/// Entries of an ASID pool.
pub const ASID_POOL_ENTRIES: u64 = 512;
/// Number of ASID pools.
pub const ASID_POOLS: u64 = 8;
/// Largest number of objects that one Retype makes.
pub const RETYPE_FAN_OUT_MAX: u64 = 256;
/// First address above user space, less one page that stays empty: user top is 0x00007fffffffefff.
pub const USER_TOP: u64 = 0x0000_7fff_ffff_f000;

/// What Untyped_Retype can make (`seL4_ObjectType` of x86_64, then Sekisho's own from 64).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum ObjectType {
    /// Memory not yet typed; its size is given with the call (4 to 47 bits).
    Untyped = 0,
    /// Thread.
    Tcb = 1,
    /// Rendezvous for messages.
    Endpoint = 2,
    /// Word of signals.
    Notification = 3,
    /// Table of slots; the size given is the number of slots in bits.
    CNode = 4,
    /// CPU time; the size given is the object's in bits.
    SchedContext = 5,
    /// Right to reply to one call.
    Reply = 6,
    /// Page-directory-pointer table.
    Pdpt = 7,
    /// Root of an address space.
    Pml4 = 8,
    /// Frame of 1 GiB.
    HugePage = 9,
    /// Frame of 4 KiB.
    Page = 10,
    /// Frame of 2 MiB.
    LargePage = 11,
    /// Page table.
    PageTable = 12,
    /// Page directory.
    PageDirectory = 13,
    /// Virtual CPU (Sekisho).
    VCpu = 64,
    /// Root of a guest-physical address space (Sekisho).
    NestedRoot = 65,
    /// Any lower level of a guest-physical address space (Sekisho).
    NestedTable = 66,
}

impl ObjectType {
    /// The type with this number.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        Some(match number {
            0 => Self::Untyped,
            1 => Self::Tcb,
            2 => Self::Endpoint,
            3 => Self::Notification,
            4 => Self::CNode,
            5 => Self::SchedContext,
            6 => Self::Reply,
            7 => Self::Pdpt,
            8 => Self::Pml4,
            9 => Self::HugePage,
            10 => Self::Page,
            11 => Self::LargePage,
            12 => Self::PageTable,
            13 => Self::PageDirectory,
            64 => Self::VCpu,
            65 => Self::NestedRoot,
            66 => Self::NestedTable,
            _ => return None,
        })
    }

    /// Size of such an object in bits, `size_bits` being the argument of Retype for the types that take one.
    #[must_use]
    pub const fn size_bits(self, size_bits: u64) -> u64 {
        match self {
            Self::Untyped | Self::SchedContext => size_bits,
            Self::CNode => size_bits + SLOT_BITS,
            Self::Tcb => TCB_BITS,
            Self::Endpoint => ENDPOINT_BITS,
            Self::Notification => NOTIFICATION_BITS,
            Self::Reply => REPLY_BITS,
            Self::HugePage => HUGE_PAGE_BITS,
            Self::LargePage => LARGE_PAGE_BITS,
            Self::VCpu => crate::extension::VCPU_BITS,
            Self::Pdpt
            | Self::Pml4
            | Self::Page
            | Self::PageTable
            | Self::PageDirectory
            | Self::NestedRoot
            | Self::NestedTable => PAGE_BITS,
        }
    }
}
