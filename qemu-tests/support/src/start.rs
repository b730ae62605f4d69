//! The first instructions of a root task, and what the compiler expects a program to define.
//!
//! The kernel enters with the address of bootinfo in RDI and no stack. Components have all this
//! from `runtime`, whose soundness rests on there being one thread; tests have several.

use core::arch::{asm, global_asm};
use core::panic::PanicInfo;

use crate::{ports, println};

/// Bytes of the first thread's stack.
const STACK_SIZE: usize = 128 * 1024;

/// Makes a program out of groups of tests.
#[macro_export]
macro_rules! root_task {
    ($groups:expr) => {
        /// The start-up code calls it by this name, with the address of bootinfo.
        #[unsafe(no_mangle)]
        extern "C" fn root_task(boot: &'static $crate::BootInfo) -> ! {
            $crate::run_all(boot, $groups)
        }
    };
}

#[repr(C, align(4096))]
struct Stack([u8; STACK_SIZE]);

#[unsafe(no_mangle)]
static mut ROOT_TASK_STACK: Stack = Stack([0; STACK_SIZE]);

global_asm!(
    ".section .text.start, \"ax\", @progbits",
    ".global _start",
    "_start:",
    "lea rsp, [rip + {stack} + {size}]",
    "xor ebp, ebp",
    "call root_task",
    "ud2",
    ".text",
    stack = sym ROOT_TASK_STACK,
    size = const STACK_SIZE,
);

/// Ends the run: a panic of a test program is a failure of the run.
#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    println!("\npanic: {info}");
    ports::exit(ports::FAILED)
}

/// Precompiled parts of the standard library refer to it; with `panic = "abort"` it is never called.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Precompiled parts of the standard library refer to it; with `panic = "abort"` it is never called.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// C's `memcpy`.
///
/// # Safety
///
/// As in C: both ranges are valid and do not overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller vouches for both ranges; the direction flag is clear by the ABI.
    unsafe {
        asm!("rep movsb", inout("rcx") count => _, inout("rdi") to => _, inout("rsi") from => _, options(nostack, preserves_flags));
    }
    to
}

/// C's `memmove`.
///
/// # Safety
///
/// As in C: both ranges are valid.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= count {
        // SAFETY: copying upwards is right when the destination does not start inside the source.
        return unsafe { memcpy(to, from, count) };
    }
    // SAFETY: the ranges are valid; copying downwards is right when the destination starts inside
    // the source. `count` is not 0 here, so the last bytes exist. The direction flag is restored.
    unsafe {
        asm!("std", "rep movsb", "cld", inout("rcx") count => _, inout("rdi") to.add(count - 1) => _, inout("rsi") from.add(count - 1) => _, options(nostack));
    }
    to
}

/// C's `memset`.
///
/// # Safety
///
/// As in C: the range is valid.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, count: usize) -> *mut u8 {
    // SAFETY: the caller vouches for the range; the direction flag is clear by the ABI.
    unsafe {
        asm!("rep stosb", inout("rcx") count => _, inout("rdi") to => _, in("al") value.to_le_bytes()[0], options(nostack, preserves_flags));
    }
    to
}

/// C's `memcmp`.
///
/// # Safety
///
/// As in C: both ranges are valid.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    for index in 0..count {
        // SAFETY: `index` is inside both ranges.
        let (a, b) = unsafe { (left.add(index).read(), right.add(index).read()) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}

/// C's `bcmp`.
///
/// # Safety
///
/// As in C: both ranges are valid.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    // SAFETY: the same obligations.
    unsafe { memcmp(left, right, count) }
}
