//! The instruction `syscall`: where it enters, and which flags it clears.

use x86::msr::{IA32_CSTAR, IA32_EFER, IA32_FMASK, IA32_LSTAR, IA32_STAR, rdmsr, wrmsr};

use super::segments::{KERNEL_CODE, KERNEL_DATA};
use crate::trap;

const EFER_SYSCALL: u64 = 1 << 0;

/// Trap, interrupt, direction, I/O privilege, nested task and alignment check flags.
const CLEARED_FLAGS: u64 = 1 << 8 | 1 << 9 | 1 << 10 | 3 << 12 | 1 << 14 | 1 << 18;

/// Enables the instruction.
///
/// # Safety
/// The segments are loaded.
pub(crate) unsafe fn initialize() {
    // SYSRET loads SS from here plus 8 and CS from here plus 16: the user's data and code.
    let star = u64::from(KERNEL_DATA | 3) << 48 | u64::from(KERNEL_CODE) << 32;
    // SAFETY: the entry saves the user's registers before it uses any; compatibility mode, whose entry
    // is CSTAR, cannot be reached because no 32-bit code segment exists.
    unsafe {
        wrmsr(IA32_STAR, star);
        wrmsr(IA32_LSTAR, trap::system_call_entry_address());
        wrmsr(IA32_CSTAR, 0);
        wrmsr(IA32_FMASK, CLEARED_FLAGS);
        wrmsr(IA32_EFER, rdmsr(IA32_EFER) | EFER_SYSCALL);
    }
}
