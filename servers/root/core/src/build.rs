//! The order of the steps.

use alloc::vec::Vec;
use core::fmt::Write;

use compiled_manifest::{System, Value};
use sel4_sys::object::ObjectType;
use sha2::{Digest, Sha256};
use shared_memory::RegionWriter;

use crate::{
    BuildError, Hardware, Kernel, Seeds, Slot, Untyped, WorkingSlot,
    archive::{self, Archive},
    clock, components,
    device_memory::{DeviceMemory, Request},
    devices::{self, TablePages},
    environments::{self, Facts},
    error::Naming,
    fill::Sources,
    objects,
    own_window::{OwnWindow, PAGE},
    ram::{Placement, Ram, Run},
    spaces,
    working_slots::WorkingSlots,
};

/// What the root server finds at its start.
pub struct Machine<'a, H> {
    /// Memory for objects.
    pub ram: Vec<Untyped>,
    /// Memory whose contents and place count.
    pub device_memory: Vec<Untyped>,
    /// Empty slots of the root server's CNode.
    pub free_slots: core::ops::Range<u64>,
    /// Physical address and bytes of the boot archive.
    pub archive: Option<(u64, u64)>,
    /// Address space to be used for copying, at least 2 MiB.
    pub window: RegionWriter,
    /// Its address.
    pub window_address: u64,
    /// Frequency of the time-stamp counter.
    pub tsc_khz: u64,
    /// What the boot supplied, to be mixed into the seeds.
    pub boot_bytes: &'a [u8],
    /// The ports on which the root server reports: issued to it, first and last.
    pub report_ports: (WorkingSlot, u16, u16),
    /// Source of entropy.
    pub hardware: &'a mut H,
    /// The report.
    pub report: &'a mut dyn Write,
}

/// A system that was built and started; its components run when the root server stops.
#[derive(Debug)]
pub struct Built {
    /// The manifest.
    pub system: System,
    /// First slot of the root server's CNode that was never used.
    pub end: WorkingSlot,
}

/// Builds the system that the archive's manifest lists, and starts its components.
///
/// # Errors
///
/// What went wrong, and with which object; nothing runs then.
pub fn build<K: Kernel, H: Hardware>(
    kernel: &mut K,
    machine: Machine<'_, H>,
) -> Result<Built, BuildError> {
    let mut slots = WorkingSlots::new(machine.free_slots.clone());
    let mut ram = Ram::new(machine.ram);
    let mut device_memory = DeviceMemory::new(machine.device_memory);
    let mut window = OwnWindow::new(
        kernel,
        &mut ram,
        &mut slots,
        machine.window,
        machine.window_address,
    )?;
    let mut reader = ArchiveReader {
        kernel,
        memory: &mut device_memory,
        slots: &mut slots,
        window: &mut window,
    };
    let archive = reader.table(machine.archive.ok_or(BuildError::NoArchive)?)?;
    let manifest = reader.file(&archive, "system")?;
    let hash: [u8; 32] = Sha256::digest(&manifest).into();
    let system = System::decode(&manifest).map_err(BuildError::Manifest)?;
    report(machine.report, &system, &hash);
    let files = archive.places(&system.files)?;

    make_vault(kernel, &mut ram, &mut slots, system.vault_radix)?;
    let addresses = objects::make_ram_objects(kernel, &mut ram, &system)?;
    let sources = Sources::new(&system, &files, &mut slots)?;
    let tables = TablePages::new(&system.pci, &mut slots)?;
    let mut requests = objects::device_requests(&system, &files);
    requests.extend(sources.requests());
    requests.extend(tables.requests());
    device_memory.make_all(kernel, &mut slots, requests)?;

    sources.copy_all(kernel, &mut window, &system, &files)?;
    let seeds = gather(machine.hardware, &hash, machine.boot_bytes)?;
    let facts = Facts {
        seeds: &seeds,
        tsc_khz: machine.tsc_khz,
        boot_time: boot_time(
            kernel,
            &mut *machine.hardware,
            machine.tsc_khz,
            &mut slots,
            &system,
        )?,
        addresses: &addresses,
    };
    environments::write_all(kernel, &mut window, &system, &facts)?;
    devices::set_up(kernel, &mut window, &mut slots, &system.pci, &tables)?;
    // Only now: the reset register lies among the ports of PCI configuration.
    objects::issue(kernel, &system, machine.report_ports)?;
    spaces::build(kernel, &system)?;
    components::build(kernel, &system, slots.take(1)?)?;
    components::start(kernel, &system)?;
    let end = WorkingSlot(slots.next());
    Ok(Built { system, end })
}

/// Reads from the archive before any of its frames has an owner.
struct ArchiveReader<'a, K> {
    kernel: &'a mut K,
    memory: &'a mut DeviceMemory,
    slots: &'a mut WorkingSlots,
    window: &'a mut OwnWindow,
}

impl<K: Kernel> ArchiveReader<'_, K> {
    /// The table, which lies at the archive's start.
    fn table(&mut self, (physical, size): (u64, u64)) -> Result<Archive, BuildError> {
        let first = self.pages(physical, PAGE)?;
        let header = first.first_chunk().ok_or(BuildError::BadArchive)?;
        let length = archive::table_length(header)?;
        let mut table = first;
        if let Some(rest) = length.checked_sub(PAGE).filter(|&rest| rest > 0) {
            table.extend_from_slice(&self.pages(physical + PAGE as u64, rest)?);
        }
        table.truncate(length);
        Archive::read(&table, physical, size)
    }

    /// A whole file.
    fn file(&mut self, archive: &Archive, name: &str) -> Result<Vec<u8>, BuildError> {
        let entry = archive.entry(name)?;
        let length = usize::try_from(entry.length).map_err(|_| BuildError::BadArchive)?;
        if entry.physical < archive.physical() {
            return Err(BuildError::BadArchive);
        }
        self.pages(entry.physical, length)
    }

    /// The `length` bytes at `physical`, at most what the window holds.
    fn pages(&mut self, physical: u64, length: usize) -> Result<Vec<u8>, BuildError> {
        let count = u32::try_from(length.div_ceil(PAGE)).map_err(|_| BuildError::BadArchive)?;
        let first = Slot::Working(self.slots.take(count)?);
        let request = Request {
            name: "the boot archive",
            physical,
            bits: 12,
            count,
            first,
        };
        self.memory.make(self.kernel, self.slots, request)?;
        let mut bytes = alloc::vec![0; length];
        let runs = [(first, count, compiled_manifest::Rights::READ)];
        self.window.with_runs(self.kernel, &runs, |region| {
            let read = region.read_at(0, &mut bytes);
            read.map_err(|_| BuildError::Window)
        })?;
        Ok(bytes)
    }
}

/// Makes the CNode that will keep everything alive, and lets it be reached for as long as there is work.
fn make_vault(
    kernel: &mut impl Kernel,
    ram: &mut Ram,
    slots: &mut WorkingSlots,
    radix: u8,
) -> Result<(), BuildError> {
    let mut make = |kernel: &mut _, name, radix| {
        let slot = slots.take(1)?;
        let run = Run {
            name,
            object: (ObjectType::CNode, radix),
            bits: radix + 5,
            first: Slot::Working(slot),
            count: 1,
            placement: Placement::Anywhere,
        };
        ram.make(kernel, run)?;
        Ok(slot)
    };
    let vault = make(&mut *kernel, "the vault", radix)?;
    let top = make(&mut *kernel, "the root server's top CNode", 1)?;
    kernel
        .enter(top, vault, radix)
        .naming("the vault", "cannot be entered")
}

/// The date when the time-stamp counter stood at zero, in nanoseconds since 1970, if any component is told it.
fn boot_time(
    kernel: &mut impl Kernel,
    hardware: &mut impl Hardware,
    tsc_khz: u64,
    slots: &mut WorkingSlots,
    system: &System,
) -> Result<u64, BuildError> {
    let mut parameters = system.components.iter().flat_map(|c| &c.parameters);
    if parameters.any(|parameter| parameter.value == Value::BootTime) {
        let seconds = clock::unix_seconds(kernel, slots)?;
        Ok(clock::unix_at_zero(seconds, hardware.ticks(), tsc_khz))
    } else {
        Ok(0)
    }
}

fn gather(
    hardware: &mut impl Hardware,
    hash: &[u8; 32],
    boot_bytes: &[u8],
) -> Result<Seeds, BuildError> {
    let mut from_boot = hash.to_vec();
    from_boot.extend_from_slice(boot_bytes);
    Seeds::gather(hardware, &from_boot).map_err(BuildError::Entropy)
}

/// Says what is about to be built.
fn report(report: &mut dyn Write, system: &System, hash: &[u8; 32]) {
    // A report that cannot be written hinders nobody.
    let _ = write!(report, "root: system {}, manifest sha256 ", system.name);
    for byte in hash {
        let _ = write!(report, "{byte:02x}");
    }
    let _ = report.write_char('\n');
}
