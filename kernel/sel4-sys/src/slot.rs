//! Slots of the root server's first CNode.

/// Bits of the first CNode: 2^13 slots.
pub const ROOT_CNODE_BITS: u64 = 13;
/// Empty.
pub const NULL: u64 = 0;
/// The root server's thread.
pub const TCB: u64 = 1;
/// The root server's CNode itself.
pub const CNODE: u64 = 2;
/// The root server's address space.
pub const VSPACE: u64 = 3;
/// Issues interrupt handlers.
pub const IRQ_CONTROL: u64 = 4;
/// Makes ASID pools.
pub const ASID_CONTROL: u64 = 5;
/// The first ASID pool.
pub const ASID_POOL: u64 = 6;
/// Issues I/O port ranges.
pub const IO_PORT_CONTROL: u64 = 7;
/// I/O address spaces (null without IOMMU).
pub const IO_SPACE: u64 = 8;
/// The frame that holds bootinfo.
pub const BOOT_INFO_FRAME: u64 = 9;
/// The frame that is the IPC buffer.
pub const IPC_BUFFER: u64 = 10;
/// Sets domains.
pub const DOMAIN: u64 = 11;
/// The root server's scheduling context.
pub const SCHED_CONTEXT: u64 = 14;
/// First slot that the fixed ones leave free.
pub const FIRST_DYNAMIC: u64 = 16;
