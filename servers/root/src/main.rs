//! The root server: builds the system that the compiled manifest lists, gives up its authority, stops.
//!
//! What it does stands in `root-core`; here is the kernel's side of it.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod boot;
mod capability_pointer;
#[cfg(feature = "verify-surrender")]
mod probe;
mod sel4_kernel;
mod serial;

use alloc::vec::Vec;
use core::{convert::Infallible, fmt::Write};

use kernel_calls::{
    Ipc,
    invoke::{SlotPath, cnode_delete},
};
use root_core::{BuildError, WorkingSlot};
use runtime::{ProcessorRandom, RootTask};
use sel4_sys::slot;

use crate::{sel4_kernel::Sel4Kernel, serial::Serial};

runtime::root_task!(main, stack = 128 << 10, heap = 4 << 20);
runtime::archive_note!();

/// The processor as the source of entropy.
struct Processor(ProcessorRandom);

impl root_core::Hardware for Processor {
    fn random(&mut self) -> Option<u64> {
        self.0.random()
    }

    fn seed(&mut self) -> Option<u64> {
        self.0.seed()
    }

    fn ticks(&mut self) -> u64 {
        runtime::Clock::new(0).now().0
    }
}

fn main(root: RootTask) -> Result<Infallible, BuildError> {
    let ipc = root.ipc;
    let first_free = root.boot_info.empty.start;
    let serial_slot = WorkingSlot(first_free);
    let mut serial = Serial::open(ipc, serial_slot);
    let image = boot::ImageSlots::new(root.boot_info);
    #[cfg(feature = "verify-surrender")]
    let probe = probe::Probe::new(root.boot_info, image);
    match build(&root, &mut serial, serial_slot) {
        Ok((kernel, end)) => {
            let left = give_up(kernel, end, image, &mut serial);
            #[cfg(feature = "verify-surrender")]
            probe.report(ipc, &mut serial);
            stop(ipc, left)
        }
        Err(error) => {
            let _ = writeln!(serial, "root: {error}; the system does not start");
            Err(error)
        }
    }
}

fn build(
    root: &RootTask,
    serial: &mut Serial,
    serial_slot: WorkingSlot,
) -> Result<(Sel4Kernel, WorkingSlot), BuildError> {
    check_processor()?;
    let mut kernel = Sel4Kernel::new(root.ipc, root.boot_info);
    let mut hardware = Processor(ProcessorRandom::new());
    let mut machine = boot::machine(root, &mut hardware, serial, serial_slot);
    machine.free_slots.start += 1;
    let built = root_core::build(&mut kernel, machine)?;
    Ok((kernel, built.end))
}

/// Programs that are built for x86-64-v3 would die of an undefined instruction, at some point, on a processor without it.
fn check_processor() -> Result<(), BuildError> {
    let missing: Vec<_> = runtime::missing_from_v3().collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(BuildError::Processor(missing.join(", ")))
    }
}

/// Deletes every capability but those to what the root server consists of. Answers one that is left in spite of it.
fn give_up(
    mut kernel: Sel4Kernel,
    end: WorkingSlot,
    image: boot::ImageSlots,
    serial: &mut Serial,
) -> Option<WorkingSlot> {
    let _ = writeln!(serial, "root: built, gives up its authority");
    let line = serial.slot();
    let is_probed = cfg!(feature = "verify-surrender");
    let keep = |slot| image.contains(slot) || (is_probed && slot == line);
    let (slot, error) = root_core::surrender(&mut kernel, end, keep).err()?;
    let _ = writeln!(serial, "root: slot {} cannot be emptied: {error:?}", slot.0);
    Some(slot)
}

/// Deletes the own thread, the last capability that matters. Then the components run.
fn stop(ipc: Ipc, left: Option<WorkingSlot>) -> ! {
    let own_thread = SlotPath {
        root: slot::CNODE,
        index: slot::TCB,
        depth: 64,
    };
    // If something is left that should not be, nothing else may run: this thread has the highest priority.
    if left.is_none() {
        // With its last capability goes the thread, so this does not return.
        let _ = cnode_delete(&ipc, own_thread);
    }
    loop {
        core::hint::spin_loop();
    }
}
