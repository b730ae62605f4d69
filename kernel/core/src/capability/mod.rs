//! Capabilities: what a holder may do to which object.

mod codec;
mod derive;
mod region;
mod rights;

pub(crate) use codec::{
    badge_of, buffer_frame, cnode_of, direct_slots, endpoint_of, frame_of, notification_of,
    raw_tag, remapped_frame, reply_of, table_of, untyped_of, vcpu_of,
};
pub(crate) use derive::NotCopied;
pub(crate) use region::{covers, same_object};
pub(crate) use rights::FrameRights;
pub(crate) use sel4_sys::CapRights;

use crate::{
    AsidPoolRef, EndpointRef, NotificationRef, PhysicalAddress, ReplyRef, SchedContextRef, SlotRef,
    TableRef, TcbRef, VcpuRef,
};

/// A decoded capability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Capability {
    Null,
    Untyped(Untyped),
    Endpoint(Endpoint),
    Notification(Notification),
    Reply(Reply),
    CNode(CNode),
    Thread(TcbRef),
    SchedContext(SchedContext),
    SchedControl,
    IrqControl,
    IrqHandler(u8),
    IoPortControl,
    IoPorts(IoPorts),
    Domain,
    AsidControl,
    AsidPool(AsidPool),
    Frame(Frame),
    Table(Table),
    Vcpu(VcpuRef),
}

/// Memory that objects can be made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Untyped {
    pub(crate) start: PhysicalAddress,
    pub(crate) size_bits: u8,
    /// Device memory, or memory whose contents must be kept: becomes frames only, never zeroed.
    pub(crate) device: bool,
    /// Bytes from `start` that are given away already; a multiple of 16.
    pub(crate) used: u64,
    /// End of the zeroed memory that begins at `used`, in bytes from `start`; there is none if this is not
    /// above `used`. A multiple of [`ZEROED_STEP`](Untyped::ZEROED_STEP), so it may lie behind the end.
    pub(crate) zeroed: u64,
}

impl Untyped {
    /// Memory is zeroed ahead of its use, so much at a time.
    pub(crate) const ZEROED_STEP: u64 = 16 * 1024;

    /// The whole memory, nothing of it given away, and nothing known of its contents.
    pub(crate) const fn new(start: PhysicalAddress, size_bits: u8, device: bool) -> Self {
        Self {
            start,
            size_bits,
            device,
            used: 0,
            zeroed: 0,
        }
    }

    pub(crate) const fn size(&self) -> u64 {
        1 << self.size_bits
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Endpoint {
    pub(crate) object: EndpointRef,
    pub(crate) badge: u64,
    pub(crate) rights: CapRights,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Notification {
    pub(crate) object: NotificationRef,
    pub(crate) badge: u64,
    pub(crate) rights: CapRights,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reply {
    pub(crate) object: ReplyRef,
    pub(crate) can_grant: bool,
}

/// A table of capability slots.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CNode {
    pub(crate) base: SlotRef,
    pub(crate) radix: u8,
    pub(crate) guard: u64,
    pub(crate) guard_size: u8,
}

impl CNode {
    pub(crate) const fn slots(&self) -> u64 {
        1 << self.radix
    }

    /// The slot with this index; indexes wrap at the CNode's size.
    pub(crate) fn slot(&self, index: u64) -> SlotRef {
        self.base.in_cnode(index & (self.slots() - 1))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SchedContext {
    pub(crate) object: SchedContextRef,
    pub(crate) size_bits: u8,
}

/// A range of I/O ports, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct IoPorts {
    pub(crate) first: u16,
    pub(crate) last: u16,
}

/// A pool of address-space identifiers: `base` and the 511 after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct AsidPool {
    pub(crate) object: AsidPoolRef,
    pub(crate) base: u16,
}

/// How much memory a frame holds, or one page-table entry of a level maps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(crate) enum FrameSize {
    Small = 0,
    Large = 1,
    Huge = 2,
}

impl FrameSize {
    pub(crate) const fn bits(self) -> u32 {
        match self {
            Self::Small => 12,
            Self::Large => 21,
            Self::Huge => 30,
        }
    }

    pub(crate) const fn bytes(self) -> u64 {
        1 << self.bits()
    }
}

/// Where a frame or table is mapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mapping {
    /// Never zero.
    pub(crate) asid: u16,
    /// A user or guest-physical address, aligned to 4096 at least.
    pub(crate) address: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    pub(crate) start: PhysicalAddress,
    pub(crate) size: FrameSize,
    pub(crate) device: bool,
    pub(crate) rights: FrameRights,
    /// Whether `mapping` is in a nested space.
    pub(crate) nested: bool,
    pub(crate) mapping: Option<Mapping>,
}

/// The level of a paging structure: what one of its entries covers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(crate) enum Level {
    /// A page table: entries of 4 KiB.
    Table = 0,
    /// A page directory: entries of 2 MiB.
    Directory = 1,
    /// A PDPT: entries of 1 GiB.
    Pointers = 2,
    /// The root (PML4): entries of 512 GiB.
    Root = 3,
}

impl Level {
    /// Logarithm of what one entry covers.
    pub(crate) const fn entry_bits(self) -> u32 {
        12 + 9 * self as u32
    }

    /// Logarithm of what the whole table covers.
    pub(crate) const fn table_bits(self) -> u32 {
        self.entry_bits() + 9
    }

    /// The level whose entries point to tables of this one.
    pub(crate) const fn above(self) -> Self {
        match self {
            Self::Table => Self::Directory,
            Self::Directory => Self::Pointers,
            Self::Pointers | Self::Root => Self::Root,
        }
    }
}

/// A paging structure. For a root, `mapping` holds its ASID and address zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Table {
    pub(crate) object: TableRef,
    /// The level; nested tables below the root get theirs when they are mapped.
    pub(crate) level: Level,
    /// Translates guest-physical instead of user addresses.
    pub(crate) nested: bool,
    pub(crate) mapping: Option<Mapping>,
}
