//! The start: what the machine found becomes the root server and its capabilities.

mod boot_info;
mod memory;
mod root_server;
mod untyped;

use crate::PhysicalAddress;

/// A range of physical memory; `end` is the first byte after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    /// First byte.
    pub start: PhysicalAddress,
    /// First byte after the range.
    pub end: PhysicalAddress,
}

/// The root server's program, loaded by the machine into consecutive frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserImage {
    /// Where the frame of the first page lies.
    pub physical_start: PhysicalAddress,
    /// First virtual address, a multiple of 4096.
    pub virtual_start: u64,
    /// First virtual address after the image, a multiple of 4096.
    pub virtual_end: u64,
    /// Where the program starts.
    pub entry: u64,
}

/// A further piece of boot information for the root server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExtraChunk<'a> {
    /// Its number in the interface.
    pub id: u64,
    /// The content, without the header.
    pub bytes: &'a [u8],
}

/// What the machine found at boot.
#[derive(Clone, Copy, Debug)]
pub struct BootInformation<'a> {
    /// The root server's program.
    pub image: UserImage,
    /// RAM for everybody: not the kernel, not the image, nothing below 1 MiB, no archive.
    pub memory: &'a [Region],
    /// Everything that becomes device untypeds: device memory, reserved RAM, the boot archive;
    /// sorted, and without what the kernel keeps (local and I/O APIC).
    pub devices: &'a [Region],
    /// In the order in which they shall appear.
    pub extra: &'a [ExtraChunk<'a>],
}

/// Why the kernel cannot start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BootError {
    /// No free memory for the root server's objects.
    NotEnoughMemory,
    /// The root server's CNode is too small for its capabilities.
    NotEnoughSlots,
}
