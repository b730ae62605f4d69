//! Everything into its place.

use super::{
    bzimage::{self, HEAD_BYTES, Kernel},
    error::BootError,
    image::Image,
    initial_state,
    parameters::{self, InitialRamDisk},
};
use crate::{
    acpi,
    guest_memory::{GuestAddress, GuestMemory, OutsideMemory},
    layout::{ACPI_START, BOOT_PARAMETERS, COMMAND_LINE, RAM_MAX},
    vcpu::VirtualCpu,
};

/// Bytes that are copied at a time.
const PIECE_BYTES: usize = 2048;
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

    let write = |address, bytes: &[u8]| memory.write(address, bytes);
    let done: Result<(), OutsideMemory> = (|| {
        copy(
            files.kernel,
            kernel.code_offset,
            kernel.code_bytes,
            kernel.load_address,
            memory,
        )?;
        copy(files.initrd, 0, initrd.bytes, initrd.address, memory)?;
        write(COMMAND_LINE, files.command_line)?;
        write(
            GuestAddress(COMMAND_LINE.0 + files.command_line.len() as u64),
            &[0],
        )?;
        let tables = acpi::build(ACPI_START);
        write(ACPI_START, &tables.bytes)?;
        let page = parameters::build(&head, &kernel, initrd, memory.size(), tables.rsdp);
        write(BOOT_PARAMETERS, &page)?;
        initial_state::write_tables(memory)
    })();
    done.map_err(|OutsideMemory| BootError::Memory)?;
    initial_state::write_registers(vcpu, kernel.entry())
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

fn copy(
    image: &(impl Image + ?Sized),
    offset: u64,
    bytes: u64,
    to: u64,
    memory: &impl GuestMemory,
) -> Result<(), OutsideMemory> {
    let mut done = 0;
    while done < bytes {
        let mut piece = [0; PIECE_BYTES];
        let length = (bytes - done).min(PIECE_BYTES as u64);
        let part = usize::try_from(length)
            .ok()
            .and_then(|length| piece.get_mut(..length))
            .ok_or(OutsideMemory)?;
        image.read_at(offset + done, part);
        memory.write(GuestAddress(to + done), part)?;
        done += length;
    }
    Ok(())
}
