//! From the boot loader's hand-over to the first thread.

mod acpi;
mod boot_memory;
mod bytes;
mod early_memory;
mod elf;
mod extra_chunks;
mod image;
mod kernel_space;
mod loader;
mod multiboot2;
mod pvh;
mod regions;
mod root_image;

pub(crate) use acpi::IO_APIC_CAPACITY;
pub use image::Image;
pub(crate) use kernel_space::{kernel_entry, kernel_root};

use kernel_core::mitigation::decide;
use kernel_core::{BootInformation, Region};

use crate::apic::{legacy, local};
use crate::cpu::features::Features;
use crate::debug::{self, log};
use crate::entry::{self, KERNEL};
use crate::memory_layout::{DIRECT_MAP_BYTES, PAGE};
use crate::speculation::{self, cpuid, patch};
use crate::{cpu, serial_port};
use acpi::{InterruptControllers, RSDP_BYTES};
use boot_memory::BootMemory;
use early_memory::EarlyMemory;
use extra_chunks::ExtraChunks;
use loader::{KIND_RAM, LoaderInformation};
use regions::{RegionList, region};

/// By which protocol the boot loader handed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// PVH: QEMU's `-kernel`, Xen.
    Pvh,
    /// Multiboot2: GRUB.
    Multiboot2,
}

/// Where the kernel's start-up code and early page tables begin: the image starts there.
const START_UP_CODE: u64 = 0x20_0000;

/// RAM below this is left to firmware and old devices: it becomes device memory.
const LOW_MEMORY_END: u64 = 0x10_0000;

/// Device memory ends here at the latest: the largest size of an untyped object.
const DEVICE_LIMIT_BITS: u8 = 47;

/// Starts the kernel.
///
/// # Safety
/// Called once, by the start-up code, on the kernel stack and over the early page tables, with the
/// address that the boot loader handed over and the places of the kernel image.
pub unsafe fn start(protocol: Protocol, information: u64, image: Image) -> ! {
    serial_port::initialize();
    let features = Features::detect();
    // SAFETY: once; segments before the gates that name them.
    unsafe {
        cpu::segments::initialize();
        cpu::interrupt_table::initialize();
    }
    // SAFETY: the caller promises that the early page tables are active, and nothing has been written yet.
    let findings = Findings::collect(&unsafe { EarlyMemory::new() }, protocol, information);
    // SAFETY: the early page tables let everything be written; only this code runs.
    unsafe { patch::patch(findings.measures, image.text) };
    let Some(module) = findings.loader.module else {
        panic!("there is no root image: the boot loader passed no module")
    };
    let mut free = findings.ram();
    free.subtract(image.whole());
    free.subtract(region(START_UP_CODE, image.whole().start.0));
    free.subtract(whole_pages(module));
    // SAFETY: this memory is nobody's; parts below 4 GiB are mapped now, and the first allocations lie there
    // because they are the lowest. The loader's information has been read.
    let mut memory = unsafe { BootMemory::new(free) };
    // SAFETY: this is the one call, and no reference into early memory is left. Afterwards nobody uses the
    // start-up code and the early page tables.
    unsafe {
        kernel_space::activate(
            &image,
            &findings.ram(),
            &findings.controllers,
            &mut memory,
            features.huge_pages,
        );
        memory.add(region(START_UP_CODE, image.whole().start.0));
    }
    // SAFETY: once, in this order: control registers before what they enable, gates before interrupts.
    unsafe { initialize_processor(&features, &findings) };
    // SAFETY: the module was kept out of the free memory.
    let root = unsafe { root_image::load(whole_pages(module), module, &mut memory) };
    let devices = findings.devices(&features, root.archive.map(|(place, _)| place));
    let chunks = ExtraChunks::new(&findings, root.archive);
    let first = KERNEL.boot(&BootInformation {
        image: root.program,
        memory: memory.free().as_slice(),
        devices: devices.as_slice(),
        extra: chunks.list().as_slice(),
    });
    let first = match first {
        Ok(first) => first,
        Err(error) => panic!("the root server cannot be built: {error:?}"),
    };
    log!(
        "Sekisho: kernel started, {} MHz",
        KERNEL.machine().time.ticks_per_us()
    );
    // SAFETY: this is the one call, and everything is set up.
    unsafe { entry::start(first) }
}

/// # Safety
/// Called once at boot, over the kernel's own page tables.
unsafe fn initialize_processor(features: &Features, findings: &Findings) {
    let hardware = KERNEL.machine();
    // SAFETY: passed on; the order is that of the needs of each.
    unsafe {
        cpu::control::initialize(features);
        cpu::system_call::initialize();
        speculation::switch_on(findings.measures);
        hardware.threads.initialize(features, findings.measures);
        legacy::disable();
        local::initialize();
        hardware
            .io_apics
            .initialize(findings.controllers.io_apics().len() as u64);
        hardware.time.initialize(features);
        hardware.svm.initialize(features);
    }
}

/// The pages that a region touches.
fn whole_pages(part: Region) -> Region {
    region(
        part.start.0 & !(PAGE - 1),
        part.end.0.next_multiple_of(PAGE),
    )
}

/// What boot loader and firmware say.
struct Findings {
    loader: LoaderInformation,
    root_pointer: Option<[u8; RSDP_BYTES]>,
    controllers: InterruptControllers,
    /// What is done against speculation.
    measures: u64,
}

impl Findings {
    fn collect(memory: &EarlyMemory, protocol: Protocol, information: u64) -> Self {
        let Some(loader) = LoaderInformation::read(memory, protocol, information) else {
            panic!("the boot loader's information cannot be read")
        };
        let root_pointer = loader.rsdp.and_then(|at| acpi::root_pointer(memory, at));
        let controllers = acpi::interrupt_controllers(memory, root_pointer.as_ref());
        let bytes = loader.command_line.and_then(|at| memory.bytes(at, PAGE));
        let line = bytes.and_then(|bytes| bytes.split(|&byte| byte == 0).next());
        let measures = decide(cpuid, line.unwrap_or_default(), &mut debug::tell)
            .unwrap_or_else(|| debug::halt());
        Self {
            loader,
            root_pointer,
            controllers,
            measures,
        }
    }

    /// RAM that the kernel uses or gives away, in whole pages.
    fn ram(&self) -> RegionList {
        let mut ram = RegionList::new();
        for entry in self
            .loader
            .map()
            .iter()
            .filter(|entry| entry.kind == KIND_RAM)
        {
            let start = entry.region.start.0.saturating_add(PAGE - 1) & !(PAGE - 1);
            ram.add(region(start, entry.region.end.0 & !(PAGE - 1)));
        }
        for entry in self
            .loader
            .map()
            .iter()
            .filter(|entry| entry.kind != KIND_RAM)
        {
            ram.subtract(whole_pages(entry.region));
        }
        ram.subtract(region(0, LOW_MEMORY_END));
        ram.subtract(region(DIRECT_MAP_BYTES, u64::MAX));
        ram
    }

    /// Everything that is not RAM for everybody, but the interrupt controllers' pages.
    fn devices(&self, features: &Features, archive: Option<Region>) -> RegionList {
        let mut devices = RegionList::new();
        let bits = features.physical_address_bits.min(DEVICE_LIMIT_BITS);
        devices.add(region(0, 1 << bits));
        for part in self.ram().as_slice() {
            devices.subtract(*part);
        }
        if let Some(archive) = archive {
            devices.add(archive);
        }
        let controllers = &self.controllers;
        for &page in controllers
            .io_apics()
            .iter()
            .chain([&controllers.local_apic])
        {
            devices.subtract(whole_pages(region(page, page + 1)));
        }
        devices
    }
}
