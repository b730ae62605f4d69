//! What the kernel tells the root server at start.

/// A range of slots of the first CNode: `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SlotRegion {
    /// First slot.
    pub start: u64,
    /// First slot behind the region.
    pub end: u64,
}

/// One untyped capability of the root server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct UntypedDescription {
    /// Physical address.
    pub physical_address: u64,
    /// Size in bits.
    pub size_bits: u8,
    /// 1 when the memory is a device's or must keep its contents, else 0.
    pub is_device: u8,
    /// Zero.
    pub padding: [u8; 6],
}

/// Most untyped capabilities that bootinfo describes.
pub const UNTYPED_MAX: usize = 230;

/// The bootinfo frame (`seL4_BootInfo`).
#[derive(Clone, Debug)]
#[repr(C)]
pub struct BootInfo {
    /// Bytes of the extra chunks that start in the next page.
    pub extra_length: u64,
    /// Number of this core.
    pub node_id: u64,
    /// Number of cores.
    pub node_count: u64,
    /// Levels of IOMMU page tables, 0 without.
    pub io_page_table_levels: u64,
    /// Address of the IPC buffer.
    pub ipc_buffer: u64,
    /// Empty slots.
    pub empty: SlotRegion,
    /// Frames shared between cores; empty.
    pub shared_frames: SlotRegion,
    /// Frames of the root server's image, in order of address.
    pub user_image_frames: SlotRegion,
    /// Paging structures of the root server's address space.
    pub user_image_paging: SlotRegion,
    /// I/O space capabilities; empty without IOMMU.
    pub io_space_caps: SlotRegion,
    /// Frames of the extra bootinfo pages.
    pub extra_pages: SlotRegion,
    /// Bits of the first CNode.
    pub root_cnode_bits: u64,
    /// Domain of the root server.
    pub domain: u64,
    /// SchedControl capabilities, one a core.
    pub sched_control: SlotRegion,
    /// Untyped capabilities.
    pub untyped: SlotRegion,
    /// What each of them is.
    pub untyped_list: [UntypedDescription; UNTYPED_MAX],
}

const _: () = {
    assert!(core::mem::offset_of!(BootInfo, ipc_buffer) == 0x20);
    assert!(core::mem::offset_of!(BootInfo, user_image_frames) == 0x48);
    assert!(core::mem::offset_of!(BootInfo, extra_pages) == 0x78);
    assert!(core::mem::offset_of!(BootInfo, sched_control) == 0x98);
    assert!(core::mem::offset_of!(BootInfo, untyped_list) == 0xb8);
    assert!(size_of::<BootInfo>() <= 4096);
};

/// Header of an extra chunk: identification and length in bytes, header included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct ExtraHeader {
    /// One of the numbers in [`extra`].
    pub id: u64,
    /// Bytes including this header.
    pub length: u64,
}

/// Identifications of extra chunks.
pub mod extra {
    /// Fills space.
    pub const PADDING: u64 = 0;
    /// VESA mode information.
    pub const VBE: u64 = 1;
    /// Multiboot memory map: u32 length in bytes, then entries of 20 bytes with a leading u32 size.
    pub const MEMORY_MAP: u64 = 2;
    /// The ACPI RSDP itself (36 bytes).
    pub const RSDP: u64 = 3;
    /// Framebuffer description.
    pub const FRAME_BUFFER: u64 = 4;
    /// TSC frequency: u32 in MHz.
    pub const TSC_FREQUENCY: u64 = 5;
    /// Sekisho: the boot archive, {u64 physical address, u64 bytes}.
    pub const BOOT_ARCHIVE: u64 = 64;
}
