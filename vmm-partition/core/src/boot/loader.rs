//! Everything into its place.

use super::{
    bzimage::{self, HEAD_BYTES, Kernel},
    error::BootError,
    image::{Image, Part},
    initial_state,
    parameters::{self, InitialRamDisk},
    relocation,
    vmlinux::Vmlinux,
};
use crate::{
    acpi,
    guest_memory::{GuestAddress, GuestMemory},
    layout::{ACPI_START, BOOT_PARAMETERS, COMMAND_LINE, RAM_MAX},
    vcpu::VirtualCpu,
};

/// Alignment of the initial RAM disk.
const INITRD_ALIGNMENT: u64 = 0x1000;

/// What the guest starts with.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a, K: ?Sized, I: ?Sized> {
    /// Linux bzImage.
    pub kernel: &'a K,
    /// Initial RAM disk; empty for none.
    pub initrd: &'a I,
    /// Command line, without an end mark.
    pub command_line: &'a [u8],
    /// Randomness for nothing but this: where an unpacked kernel goes in its virtual address space.
    pub random: u64,
}

/// Loads a guest and sets its CPU to its first instruction.
///
/// # Errors
///
/// [`BootError`] says what is wrong with which file; nothing of the guest has run then.
pub fn load<K, I>(
    files: &Files<'_, K, I>,
    memory: &impl GuestMemory,
    vcpu: &mut impl VirtualCpu,
) -> Result<(), BootError>
where
    K: Image + ?Sized,
    I: Image + ?Sized,
{
    let mut head = [0; HEAD_BYTES];
    files.kernel.read_at(0, &mut head);
    let kernel = bzimage::check(files.kernel, &head)?;
    check_command_line(files.command_line, &kernel)?;
    let initrd = place_initrd(&kernel, files.initrd.length(), memory.size())?;

    let entry = match Vmlinux::find(files.kernel, &kernel) {
        Some(vmlinux) => {
            let distance = distance(&vmlinux, &kernel, files);
            if distance != 0 {
                bzimage::mark_moved(&mut head);
            }
            vmlinux.load(&kernel, distance, memory)?
        }
        None => {
            part(files.kernel, kernel.code_offset, kernel.code_bytes)?
                .copy_to(kernel.load_address, memory)?;
            kernel.entry()
        }
    };
    part(files.initrd, 0, initrd.bytes)?.copy_to(initrd.address, memory)?;
    memory.write(COMMAND_LINE, files.command_line)?;
    let end = GuestAddress(COMMAND_LINE.0 + files.command_line.len() as u64);
    memory.write(end, &[0])?;
    let tables = acpi::build(ACPI_START);
    memory.write(ACPI_START, &tables.bytes)?;
    let page = parameters::build(&head, &kernel, initrd, memory.size(), tables.rsdp);
    memory.write(BOOT_PARAMETERS, &page)?;
    initial_state::write_tables(memory)?;
    initial_state::write_registers(vcpu, entry)
}

/// How far an unpacked kernel is moved: not at all if it cannot be, or if the command line says so.
fn distance<K, I>(vmlinux: &Vmlinux<'_, K>, kernel: &Kernel, files: &Files<'_, K, I>) -> u64
where
    K: Image + ?Sized,
    I: Image + ?Sized,
{
    let mut words = files.command_line.split(|byte| *byte == b' ');
    if vmlinux.can_move() && !words.any(|word| word == b"nokaslr") {
        relocation::pick_distance(kernel, files.random)
    } else {
        0
    }
}

/// A part of a file whose length was checked.
fn part<I: Image + ?Sized>(image: &I, offset: u64, bytes: u64) -> Result<Part<'_, I>, BootError> {
    Part::new(image, offset, bytes).ok_or(BootError::KernelTruncated {
        expected: offset.saturating_add(bytes),
        bytes: image.length(),
    })
}

fn check_command_line(line: &[u8], kernel: &Kernel) -> Result<(), BootError> {
    // The line lies in front of the boot page tables, 64 KiB behind its start.
    let limit = kernel.command_line_max.min(0xfffe);
    if u32::try_from(line.len()).is_ok_and(|bytes| bytes <= limit) {
        if line.contains(&0) {
            return Err(BootError::CommandLineHasZero);
        }
        Ok(())
    } else {
        Err(BootError::CommandLineTooLong {
            bytes: line.len(),
            limit,
        })
    }
}

/// At the end of memory, as high as the kernel takes it, above what the kernel itself needs.
fn place_initrd(kernel: &Kernel, bytes: u64, ram: u64) -> Result<InitialRamDisk, BootError> {
    if ram > RAM_MAX {
        return Err(BootError::MemoryTooLarge);
    }
    let kernel_end = kernel.load_address + kernel.initial_bytes;
    let needed = kernel_end.saturating_add(bytes.next_multiple_of(INITRD_ALIGNMENT));
    let too_small = BootError::MemoryTooSmall {
        needed,
        available: ram,
    };
    let end = ram.min(kernel.initrd_last + 1);
    let address = end.checked_sub(bytes).ok_or(too_small)? & !(INITRD_ALIGNMENT - 1);
    if address < kernel_end {
        return Err(too_small);
    }
    Ok(InitialRamDisk { address, bytes })
}
