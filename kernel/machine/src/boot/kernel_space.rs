//! The kernel's own page tables.
//!
//! # Soundness
//!
//! The tables map: all RAM at the direct map, writable, never executable, except the kernel image; the
//! image where it is linked, text executable and not writable, constants neither, data writable; and the
//! interrupt controllers. So no memory is both writable and executable, no kernel text or constant can be
//! written through a second mapping, and every reference to RAM outside the image stays valid for good.
//! The tables are written here only, before they are in use.

use core::cell::Cell;

use kernel_core::{PhysicalAddress, Region};

use super::boot_memory::BootMemory;
use super::image::Image;
use super::regions::RegionList;
use crate::apic;
use crate::memory_layout::{
    DEVICE_WINDOW, DIRECT_MAP, DIRECT_MAP_BYTES, HUGE_PAGE, IMAGE_OFFSET, LARGE_PAGE, PAGE, count,
};
use crate::single_core::SingleCore;
use crate::speculation::ALIAS;

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const UNCACHED: u64 = 1 << 4 | 1 << 3;
const LARGE: u64 = 1 << 7;
const GLOBAL: u64 = 1 << 8;
const NEVER_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// A table of the kernel's own.
#[repr(C, align(4096))]
struct Table([Cell<u64>; 512]);

impl Table {
    const fn new() -> Self {
        Self([const { Cell::new(0) }; 512])
    }

    /// Physical address of a table in the kernel image.
    fn physical(&self) -> u64 {
        (&raw const *self) as u64 - IMAGE_OFFSET
    }
}

/// The space without user mappings.
static ROOT: SingleCore<Table> = SingleCore::new(Table::new());
/// All that the kernel maps: the last entry of every root.
static POINTERS: SingleCore<Table> = SingleCore::new(Table::new());
static IMAGE_DIRECTORY: SingleCore<Table> = SingleCore::new(Table::new());
static IMAGE_TABLE: SingleCore<Table> = SingleCore::new(Table::new());
static DEVICE_DIRECTORY: SingleCore<Table> = SingleCore::new(Table::new());
static DEVICE_TABLE: SingleCore<Table> = SingleCore::new(Table::new());

/// Which entry of a root leads to the kernel's mappings.
const KERNEL_ENTRY: usize = 511;

/// The entry of every root that leads to the kernel's mappings.
pub(crate) fn kernel_entry() -> (usize, u64) {
    (KERNEL_ENTRY, POINTERS.physical() | PRESENT | WRITABLE)
}

/// Physical address of the root without user mappings.
pub(crate) fn kernel_root() -> u64 {
    ROOT.physical()
}

/// Builds the tables and makes them active.
///
/// # Safety
/// Called once at boot, over the early page tables; no reference into memory that these tables do not map
/// is used afterwards.
pub(super) unsafe fn activate(
    image: &Image,
    ram: &RegionList,
    controllers: &super::acpi::InterruptControllers,
    memory: &mut BootMemory,
    huge_pages: bool,
) {
    let (entry, value) = kernel_entry();
    ROOT.0[entry].set(value);
    map_image(image);
    map_devices(controllers);
    let mut builder = Builder { memory, huge_pages };
    for region in ram.as_slice() {
        builder.map_ram(*region);
    }
    // SAFETY: the new tables map the image, in which this code and its stack lie, at the same addresses.
    unsafe { x86::controlregs::cr3_write(kernel_root()) };
}

/// Index of the entry for an address in a table whose entries span 2^`bits` bytes.
fn index(address: u64, bits: u32) -> usize {
    count(address >> bits & 511)
}

fn map_image(image: &Image) {
    POINTERS.0[index(IMAGE_OFFSET, 30)].set(IMAGE_DIRECTORY.physical() | PRESENT | WRITABLE);
    let directory_entry = index(image.text.start.0 + IMAGE_OFFSET, 21);
    IMAGE_DIRECTORY.0[directory_entry].set(IMAGE_TABLE.physical() | PRESENT | WRITABLE);
    // The second mapping of the text's first page; see `speculation`.
    let alias = index(image.text.start.0 | ALIAS, 12);
    IMAGE_TABLE.0[alias].set(image.text.start.0 | PRESENT | GLOBAL);
    let parts = [
        (image.text, 0),
        (image.constants, NEVER_EXECUTE),
        (image.data, NEVER_EXECUTE | WRITABLE),
    ];
    for (part, rights) in parts {
        for page in pages(part) {
            if page + IMAGE_OFFSET != image.guard_page {
                IMAGE_TABLE.0[index(page, 12)].set(page | PRESENT | GLOBAL | rights);
            }
        }
    }
}

fn map_devices(controllers: &super::acpi::InterruptControllers) {
    POINTERS.0[index(DEVICE_WINDOW, 30)].set(DEVICE_DIRECTORY.physical() | PRESENT | WRITABLE);
    DEVICE_DIRECTORY.0[index(DEVICE_WINDOW, 21)].set(DEVICE_TABLE.physical() | PRESENT | WRITABLE);
    let map = |window: u64, physical: u64| {
        let rights = PRESENT | WRITABLE | UNCACHED | GLOBAL | NEVER_EXECUTE;
        DEVICE_TABLE.0[index(window, 12)].set(physical & ADDRESS | rights);
    };
    map(apic::LOCAL_APIC_WINDOW, controllers.local_apic);
    for (number, &io_apic) in (0..).zip(controllers.io_apics()) {
        map(apic::io_apic_window(number), io_apic);
    }
}

fn pages(region: Region) -> impl Iterator<Item = u64> {
    (region.start.0..region.end.0).step_by(4096)
}

/// Makes the direct map, with the largest pages that fit.
struct Builder<'a> {
    memory: &'a mut BootMemory,
    huge_pages: bool,
}

impl Builder<'_> {
    /// Maps the whole pages of a region of RAM.
    fn map_ram(&mut self, region: Region) {
        const RIGHTS: u64 = PRESENT | WRITABLE | GLOBAL | NEVER_EXECUTE;
        let mut at = region.start.0.next_multiple_of(PAGE);
        let end = region.end.0.min(DIRECT_MAP_BYTES) & !(PAGE - 1);
        while at < end {
            let fits = |size: u64| at.is_multiple_of(size) && end - at >= size;
            let pointer = &POINTERS.0[index(at, 30)];
            if self.huge_pages && fits(HUGE_PAGE) {
                pointer.set(at | RIGHTS | LARGE);
                at += HUGE_PAGE;
                continue;
            }
            let directory = self.next_table(pointer);
            let directory_entry = &directory[index(at, 21)];
            if fits(LARGE_PAGE) {
                directory_entry.set(at | RIGHTS | LARGE);
                at += LARGE_PAGE;
                continue;
            }
            self.next_table(directory_entry)[index(at, 12)].set(at | RIGHTS);
            at += PAGE;
        }
    }

    /// The table that an entry leads to; a new one if there is none.
    fn next_table(&mut self, entry: &Cell<u64>) -> &'static [Cell<u64>; 512] {
        if entry.get() & PRESENT == 0 {
            let PhysicalAddress(frame) = self.memory.take_zeroed(PAGE, PAGE);
            entry.set(frame | PRESENT | WRITABLE);
        }
        let table = DIRECT_MAP + (entry.get() & ADDRESS);
        // SAFETY: the entry is one of this builder's: it leads to a frame that was taken for a table,
        // which is zeroed, mapped by the direct map for good, and only used as cells.
        unsafe { &*(table as *const [Cell<u64>; 512]) }
    }
}
