//! Addresses where tests map frames, and access to them.
//!
//! Rust's objects all lie in the program's image, below [`WINDOWS_START`]. Reading and writing
//! elsewhere cannot break them, whatever is mapped there; at worst the thread faults, which is
//! often the point.

use core::arch::asm;

use kernel_calls::invoke::{self, attributes};
use sel4_sys::boot_info::BootInfo;
use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, Error, slot};

use crate::resources::Tester;

/// The program's image, IPC buffer and bootinfo lie below.
pub const WINDOWS_START: u64 = 0x4000_0000;
/// Lowest address that can belong to the program's image.
const IMAGE_START: u64 = 0x40_0000;

/// An address in a part of the address space whose top-level entry is empty.
#[must_use]
pub const fn fresh_address(index: u64) -> u64 {
    0x80_0000_0000 * (index + 1)
}

fn assert_outside_image(address: u64) {
    assert!(
        !(IMAGE_START..WINDOWS_START).contains(&address),
        "Rust's objects live there"
    );
}

/// Reads eight bytes outside the program's image.
#[must_use]
pub fn load(address: u64) -> u64 {
    assert_outside_image(address);
    let value;
    // SAFETY: no object of Rust lies there (see the module's text).
    unsafe {
        asm!("mov {value}, [{address}]", value = out(reg) value, address = in(reg) address, options(nostack, preserves_flags));
    }
    value
}

/// Writes eight bytes outside the program's image.
pub fn store(address: u64, value: u64) {
    assert_outside_image(address);
    // SAFETY: no object of Rust lies there (see the module's text).
    unsafe {
        asm!("mov [{address}], {value}", value = in(reg) value, address = in(reg) address, options(nostack, preserves_flags));
    }
}

/// Calls code at an address outside the program's image; it must be a function without arguments.
pub fn call(address: u64) -> u64 {
    assert_outside_image(address);
    let value;
    // SAFETY: the tests place `mov eax, imm; ret` there, or nothing, in which case the thread faults.
    unsafe {
        asm!("call {address}", address = in(reg) address, out("rax") value, clobber_abi("sysv64"));
    }
    value
}

/// What a frame of this type maps.
const FRAME_LEVELS: [ObjectType; 3] = [
    ObjectType::Pdpt,
    ObjectType::PageDirectory,
    ObjectType::PageTable,
];

impl Tester {
    /// Maps a frame into the program's address space and makes the paging structures that are missing.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn map(&mut self, frame: u64, address: u64, rights: CapRights) -> Result<(), Error> {
        self.map_in(slot::VSPACE, frame, address, rights)
    }

    /// Maps a frame into an address space and makes the paging structures that are missing.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn map_in(
        &mut self,
        space: u64,
        frame: u64,
        address: u64,
        rights: CapRights,
    ) -> Result<(), Error> {
        self.map_with(space, frame, address, rights, attributes::WRITE_BACK)
    }

    /// Maps a frame with these attributes and makes the paging structures that are missing.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn map_with(
        &mut self,
        space: u64,
        frame: u64,
        address: u64,
        rights: CapRights,
        attributes: u64,
    ) -> Result<(), Error> {
        for level in FRAME_LEVELS {
            match invoke::page_map(&self.ipc, frame, space, address, rights, attributes) {
                Err(Error::FailedLookup) => self.make_structure(level, space, address)?,
                other => return other,
            }
        }
        invoke::page_map(&self.ipc, frame, space, address, rights, attributes)
    }

    /// Makes and maps a paging structure, unless one is there.
    fn make_structure(&mut self, level: ObjectType, space: u64, address: u64) -> Result<(), Error> {
        let structure = self.make(level, 0)?;
        let mapped = match level {
            ObjectType::Pdpt => invoke::pdpt_map(&self.ipc, structure, space, address),
            ObjectType::PageDirectory => {
                invoke::page_directory_map(&self.ipc, structure, space, address)
            }
            _ => invoke::page_table_map(&self.ipc, structure, space, address),
        };
        match mapped {
            Err(Error::DeleteFirst) => self.delete(structure),
            other => other,
        }
    }

    /// An address space in which the program's image lies as in its own, writable like there.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn space_with_image(&mut self) -> Result<u64, Error> {
        let space = self.address_space()?;
        let frames = self.boot.user_image_frames;
        let image_start = self.boot.ipc_buffer - (frames.end - frames.start) * 4096;
        for (frame, address) in (frames.start..frames.end).zip((image_start..).step_by(4096)) {
            let copy = self.copy(frame, CapRights::ALL)?;
            self.map_in(space, copy, address, CapRights::READ_WRITE)?;
        }
        Ok(space)
    }
}

/// The first word behind the header of an extra chunk of bootinfo, or the half word if there is no more.
#[must_use]
pub fn extra_chunk(boot: &BootInfo, id: u64) -> Option<u64> {
    let start = core::ptr::from_ref(boot) as u64 + 4096;
    let mut offset = 0;
    while offset + 16 <= boot.extra_length {
        let at = (start + offset) as *const u64;
        // SAFETY: the kernel mapped the extra pages behind bootinfo for `extra_length` bytes, and
        // chunks are made of words; nobody writes there.
        let (found, length) = unsafe { (at.read_unaligned(), at.add(1).read_unaligned()) };
        if found == id && length >= 24 {
            // SAFETY: as above: the chunk is at least three words long.
            return Some(unsafe { at.add(2).read_unaligned() });
        }
        if found == id && length >= 20 {
            // SAFETY: as above: half a word follows the header.
            return Some(unsafe { at.add(2).cast::<u32>().read_unaligned() }.into());
        }
        offset += length.max(16);
    }
    None
}

/// Whether Rust's objects may live at this address.
#[must_use]
pub fn is_image(address: u64) -> bool {
    (IMAGE_START - 8..WINDOWS_START).contains(&address)
}
