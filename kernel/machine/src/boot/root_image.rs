//! Loads the root server's program and puts the boot archive in its place.

use kernel_core::{PhysicalAddress, Region, UserImage};
use sel4_sys::object::USER_TOP;

use super::boot_memory::BootMemory;
use super::elf::{Archive, Elf};
use super::regions::region;
use crate::memory_layout::{DIRECT_MAP, LARGE_PAGE, PAGE, count};

/// The root server's program in memory.
pub(super) struct RootImage {
    pub(super) program: UserImage,
    /// The boot archive: whole pages, starting at a multiple of 2 MiB; and its length in bytes.
    pub(super) archive: Option<(Region, u64)>,
}

/// Loads the root image, and gives the module's memory back except what the archive takes.
///
/// # Safety
/// The direct map is active; nobody else uses the module's pages, which are not among the free memory.
pub(super) unsafe fn load(pages: Region, module: Region, memory: &mut BootMemory) -> RootImage {
    let bytes = module.end.0 - module.start.0;
    let start = (DIRECT_MAP + module.start.0) as *const u8;
    // SAFETY: the module is RAM, which the direct map holds, and nobody writes it while the slice lives.
    let file = unsafe { core::slice::from_raw_parts(start, count(bytes)) };
    let Some((program, archive)) = load_program(file, memory) else {
        panic!("the first module is not a static ELF64 executable")
    };
    // The slice is not used any more: the module's memory may change.
    // SAFETY: the caller promises that nobody else uses it.
    unsafe { memory.add(pages) };
    let archive = archive.map(|archive| place_archive(module, archive, memory));
    RootImage { program, archive }
}

/// Copies the program's parts into consecutive frames.
fn load_program(file: &[u8], memory: &mut BootMemory) -> Option<(UserImage, Option<Archive>)> {
    let elf = Elf::new(file)?;
    let (virtual_start, virtual_end) = elf.extent()?;
    if virtual_end > USER_TOP {
        return None;
    }
    let frames = memory.take_zeroed(virtual_end - virtual_start, PAGE);
    for segment in elf.segments() {
        let segment = segment?;
        let place = DIRECT_MAP + frames.0 + (segment.address - virtual_start);
        // SAFETY: the segment lies in the extent, so its place lies in the frames just taken.
        unsafe {
            (place as *mut u8)
                .copy_from_nonoverlapping(segment.content.as_ptr(), segment.content.len());
        }
    }
    let program = UserImage {
        physical_start: frames,
        virtual_start,
        virtual_end,
        entry: elf.entry,
    };
    Some((program, elf.archive()))
}

/// Moves the archive down to a multiple of 2 MiB and takes whole large pages for it where that is possible,
/// so that it can be mapped by them.
fn place_archive(module: Region, archive: Archive, memory: &mut BootMemory) -> (Region, u64) {
    let from = module.start.0.saturating_add(archive.offset);
    let fits = archive.offset >= LARGE_PAGE
        && from
            .checked_add(archive.bytes)
            .is_some_and(|end| end <= module.end.0);
    assert!(fits, "the boot archive does not lie in the root image");
    // At least one large page of the module lies before the archive, so this is in the module.
    let to = from & !(LARGE_PAGE - 1);
    let end = to + archive.bytes;
    let whole = [LARGE_PAGE, PAGE]
        .map(|page| region(to, end.next_multiple_of(page)))
        .into_iter()
        .find(|whole| memory.reserve(*whole));
    let Some(whole) = whole else {
        panic!("the boot archive has no whole pages of its own")
    };
    let at = |PhysicalAddress(physical)| (DIRECT_MAP + physical) as *mut u8;
    // SAFETY: both places are RAM of the module or free memory that was reserved above; the copy handles
    // the overlap. What follows the archive in its last page is wiped, for it is going to be user memory.
    unsafe {
        at(whole.start).copy_from(at(PhysicalAddress(from)), count(archive.bytes));
        at(PhysicalAddress(end)).write_bytes(0, count(whole.end.0 - end));
    }
    (whole, archive.bytes)
}
