//! Gives up everything that the root server holds.

use sel4_sys::{Error, slot};

use crate::{Kernel, Slot, WorkingSlot};

/// What the root server consists of, besides its image.
const OWN: [u64; 5] = [
    slot::TCB,
    slot::CNODE,
    slot::VSPACE,
    slot::IPC_BUFFER,
    slot::SCHED_CONTEXT,
];

/// Deletes every capability in the root server's CNode up to `end`, but those to what it consists of: its own
/// thread, CNode, CPU time, address space, and (`keep`) the frames and paging structures of its image,
/// without which it could not go on to the end.
///
/// Then nothing is left that could name an object outside of the root server itself. It ends by
/// deleting its thread; the rest is an island that nobody can reach.
///
/// # Errors
///
/// The kernel refuses to delete a capability, which it never does.
pub fn surrender(
    kernel: &mut impl Kernel,
    end: WorkingSlot,
    keep: impl Fn(WorkingSlot) -> bool,
) -> Result<(), (WorkingSlot, Error)> {
    let entrance = WorkingSlot(0);
    kernel.leave().map_err(|error| (entrance, error))?;
    for number in 1..end.0 {
        let working = WorkingSlot(number);
        if !OWN.contains(&number) && !keep(working) {
            kernel
                .delete(Slot::Working(working))
                .map_err(|error| (working, error))?;
        }
    }
    Ok(())
}
