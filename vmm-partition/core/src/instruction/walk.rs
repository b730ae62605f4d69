//! The guest's page tables (AMD64 Architecture Programmer's Manual volume 2, 5.3).

use crate::{
    guest_memory::{GuestAddress, GuestMemory},
    vcpu::Exit,
};

/// CR0.PG.
const PAGING: u64 = 1 << 31;
/// CR0.WP.
const WRITE_PROTECT: u64 = 1 << 16;
/// EFER.LMA.
const LONG_MODE_ACTIVE: u64 = 1 << 10;
/// CR4.LA57.
const FIVE_LEVELS: u64 = 1 << 12;

/// Entry: present.
const PRESENT: u64 = 1;
/// Entry: writable.
const WRITABLE: u64 = 1 << 1;
/// Entry: for user code.
const USER: u64 = 1 << 2;
/// Entry: maps a large page.
const LARGE: u64 = 1 << 7;
/// Bits of an address in an entry.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// What the access is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Instruction bytes or data to be read.
    Read,
    /// Data to be written.
    Write,
}

/// Why an address has no translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WalkError {
    /// A page fault with this code is due.
    PageFault(u32),
    /// The tables lie outside of memory, or the paging mode is one that is not supported.
    Unsupported,
}

/// Translates a linear address as the guest's CPU would.
pub(crate) fn translate(
    memory: &impl GuestMemory,
    exit: &Exit,
    linear: u64,
    intent: Intent,
) -> Result<GuestAddress, WalkError> {
    if exit.cr0 & PAGING == 0 {
        return Ok(GuestAddress(linear & 0xffff_ffff));
    }
    if exit.efer & LONG_MODE_ACTIVE == 0 || exit.cr4 & FIVE_LEVELS != 0 {
        return Err(WalkError::Unsupported);
    }
    let mut table = exit.cr3 & ADDRESS;
    let mut rights = WRITABLE | USER;
    for shift in [39, 30, 21, 12] {
        let index = (linear >> shift) & 0x1ff;
        let entry = memory
            .read_u64(GuestAddress(table + index * 8))
            .map_err(|_| WalkError::Unsupported)?;
        if entry & PRESENT == 0 {
            return Err(WalkError::PageFault(code(exit, intent, 0)));
        }
        rights &= entry;
        let is_page = shift == 12 || (entry & LARGE != 0 && shift != 39);
        if is_page {
            check(exit, rights, intent)?;
            let mask = (1 << shift) - 1;
            return Ok(GuestAddress((entry & ADDRESS & !mask) | (linear & mask)));
        }
        table = entry & ADDRESS;
    }
    Err(WalkError::Unsupported)
}

fn check(exit: &Exit, rights: u64, intent: Intent) -> Result<(), WalkError> {
    let user = exit.privilege_level() == 3;
    let protects = user || exit.cr0 & WRITE_PROTECT != 0;
    let denied = (user && rights & USER == 0)
        || (intent == Intent::Write && rights & WRITABLE == 0 && protects);
    if denied {
        Err(WalkError::PageFault(code(exit, intent, 1)))
    } else {
        Ok(())
    }
}

/// Error code: present, write, user.
fn code(exit: &Exit, intent: Intent, present: u32) -> u32 {
    present
        | if intent == Intent::Write { 2 } else { 0 }
        | if exit.privilege_level() == 3 { 4 } else { 0 }
}
