//! Single instructions that tests need.

use core::arch::asm;
use core::arch::x86_64::{__cpuid_count, _mm_pause, _rdtsc};
use core::sync::atomic::AtomicU64;

/// The time stamp counter.
#[must_use]
pub fn ticks() -> u64 {
    // SAFETY: RDTSC is allowed in user mode and touches no memory.
    unsafe { _rdtsc() }
}

/// Waits a moment.
pub fn pause() {
    _mm_pause();
}

/// Runs for so many ticks of the time stamp counter.
pub fn spin(duration: u64) {
    let start = ticks();
    while ticks().wrapping_sub(start) < duration {
        pause();
    }
}

/// Whether the kernel lets user code use AVX.
#[must_use]
pub fn has_avx() -> bool {
    const OSXSAVE_AND_AVX: u32 = 3 << 27;
    let features = __cpuid_count(1, 0).ecx;
    if features & OSXSAVE_AND_AVX != OSXSAVE_AND_AVX {
        return false;
    }
    let low: u32;
    // SAFETY: XGETBV is allowed when OSXSAVE is set; it touches no memory.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") _, options(nomem, nostack));
    }
    low & 6 == 6
}

/// Executes an undefined instruction (two bytes), and says first where it is.
pub fn undefined_instruction(place: &AtomicU64) {
    // SAFETY: the thread faults; a handler that lets it go on behind the instruction breaks nothing.
    unsafe {
        asm!("lea {scratch}, [rip + 2f]", "mov [{place}], {scratch}", "2:", "ud2", scratch = out(reg) _, place = in(reg) place.as_ptr());
    }
}

/// Executes HLT (one byte), which is privileged, and says first where it is.
pub fn privileged_instruction(place: &AtomicU64) {
    // SAFETY: the thread faults; a handler that lets it go on behind the instruction breaks nothing.
    unsafe {
        asm!("lea {scratch}, [rip + 2f]", "mov [{place}], {scratch}", "2:", "hlt", scratch = out(reg) _, place = in(reg) place.as_ptr());
    }
}

/// Divides by zero (two bytes), and says first where.
pub fn divide_by_zero(place: &AtomicU64) {
    // SAFETY: the thread faults; a handler that lets it go on behind the instruction breaks nothing.
    unsafe {
        asm!("lea rax, [rip + 2f]", "mov [{place}], rax", "xor edx, edx", "xor ecx, ecx", "2:", "div ecx", place = in(reg) place.as_ptr(), out("rax") _, out("rdx") _, out("rcx") _);
    }
}

/// Executes INT3 (one byte), and says first where it is.
pub fn breakpoint(place: &AtomicU64) {
    // SAFETY: the thread faults; a handler that lets it go on breaks nothing.
    unsafe {
        asm!("lea {scratch}, [rip + 2f]", "mov [{place}], {scratch}", "2:", "int3", scratch = out(reg) _, place = in(reg) place.as_ptr());
    }
}

/// Executes `int 0xa3` with EAX = `value`, and says first where it is.
pub fn software_interrupt(place: &AtomicU64, value: u32) {
    // SAFETY: the thread faults; a handler that lets it go on behind the instruction breaks nothing.
    unsafe {
        asm!("lea {scratch}, [rip + 2f]", "mov [{place}], {scratch}", "2:", "int 0xa3", scratch = out(reg) _, place = in(reg) place.as_ptr(), inout("eax") value => _);
    }
}

/// Reads an I/O port with the instruction, without asking the kernel.
#[must_use]
pub fn in_instruction(port: u16) -> u8 {
    let value;
    // SAFETY: in user mode without I/O rights the thread faults; reading the ports that tests name has no effect.
    unsafe {
        asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack));
    }
    value
}

core::arch::global_asm!(
    ".text",
    ".global test_support_trap",
    "test_support_trap:",
    "ud2"
);

unsafe extern "C" {
    /// An undefined instruction.
    fn test_support_trap();
}

/// The address of an undefined instruction.
#[must_use]
pub fn trap_address() -> u64 {
    test_support_trap as *const () as u64
}

/// The word at the FS base.
#[must_use]
pub fn fs_word() -> u64 {
    let value;
    // SAFETY: reads memory; where none is mapped the thread faults.
    unsafe {
        asm!("mov {value}, fs:[0]", value = out(reg) value, options(nostack, preserves_flags, readonly));
    }
    value
}
