//! What a program does first that was killed and is started afresh: it makes its memory and its registers what they
//! were at its first start. Restarting creates and deletes no capability, so nobody else does. The supervisor writes
//! the general registers and the segment bases; the entry has erased the stack.

use environment::{Environment, Sharing};
use kernel_calls::ipc_buffer::IpcBuffer;
use shared_memory::access;

use crate::extended_registers;

/// The region that holds what the program's data were at first.
const INITIAL_DATA: &str = "initial-data";

unsafe extern "C" {
    static __data_start: u8;
    static __data_end: u8;
    static __zeroed_start: u8;
    static __zeroed_end: u8;
}

/// Restores the program's data and extended registers, and makes the rest of its static memory, its private regions,
/// the heap among them, and its IPC buffer zero again.
///
/// # Safety
///
/// To be called before anything uses static data, a region or the IPC buffer, with an environment and an address of
/// the buffer that are true.
pub(crate) unsafe fn begin(environment: &Environment<'_>, ipc_buffer: u64) {
    extended_registers::reset();
    // SAFETY: it is mapped for writing, and only system calls use it, none of which was made yet.
    unsafe { zero(ipc_buffer, ipc_buffer + size_of::<IpcBuffer>() as u64) };
    for region in environment.regions.iter() {
        if region.writable && region.sharing == Sharing::Private {
            // SAFETY: the region is mapped as the environment says, and nothing refers to it yet.
            unsafe { zero(region.address, region.address + region.size) };
        }
    }
    // SAFETY: the linker's script places these around static data, to which nothing refers yet; the root server
    // maps as many bytes of initial data as the program has data.
    unsafe {
        let (start, end) = (place(&raw const __data_start), place(&raw const __data_end));
        if let Ok(initial) = environment.region(INITIAL_DATA) {
            let length = initial.size.min(end - start);
            let length = usize::try_from(length).unwrap_or(0);
            access::copy(pointer(start), pointer(initial.address), length);
        }
        zero(
            place(&raw const __zeroed_start),
            place(&raw const __zeroed_end),
        );
    }
}

/// # Safety
///
/// The bytes from `start` up to `end` are mapped for writing, and nothing refers to them.
unsafe fn zero(start: u64, end: u64) {
    let length = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
    // SAFETY: as the caller vouches.
    unsafe { access::fill(pointer(start), 0, length) };
}

fn place(symbol: *const u8) -> u64 {
    symbol.expose_provenance() as u64
}

fn pointer(address: u64) -> *mut u8 {
    core::ptr::with_exposed_provenance_mut(usize::try_from(address).unwrap_or(0))
}
