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

/// Waits until `done` holds, for so many ticks at most; whether it does.
#[must_use]
pub fn spin_until(duration: u64, done: impl Fn() -> bool) -> bool {
    let start = ticks();
    while ticks().wrapping_sub(start) < duration {
        if done() {
            return true;
        }
        pause();
    }
    done()
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

/// Moves a system call's registers as `kernel_calls::syscall` does, without entering the kernel.
#[inline(always)]
pub fn no_system_call(number: i64, capability: u64, info: u64, message: [u64; 4]) -> [u64; 4] {
    let [mut m0, mut m1, mut m2, mut m3] = message;
    // SAFETY: the stack pointer is restored, and every register that changes is named.
    unsafe {
        asm!(
            "xchg {stack}, rbx",
            "mov rbx, rsp",
            "nop",
            "mov rsp, rbx",
            "xchg {stack}, rbx",
            stack = inout(reg) 0u64 => _,
            inout("rdi") capability => _,
            inout("rsi") info => _,
            in("rdx") number,
            inout("r10") m0,
            inout("r8") m1,
            inout("r9") m2,
            inout("r15") m3,
            in("r12") 0,
            in("r13") 0,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    [m0, m1, m2, m3]
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

/// Makes a system call with known values in all registers; answers a mask of those that changed
/// though they are no output: bit 0 RAX, 1 RDX, 2 RBP, 3 R12, 4 R13, 5 R14.
#[must_use]
pub fn registers_kept_by(number: i64) -> u64 {
    let changed;
    // SAFETY: the system call changes no memory; RSP is kept in RBX as the interface demands, RBP
    // and RBX are saved on the stack.
    unsafe {
        asm!(
            "push rbx",
            "push rbp",
            "mov rbp, 0x5555",
            "mov rbx, rsp",
            "mov rdx, rcx",
            "mov r11, rcx",
            "push rcx",
            "syscall",
            "mov rsp, rbx",
            "mov rcx, [rsp - 8]",
            "xor r11d, r11d",
            "cmp rax, 0x1111",
            "je 2f",
            "or r11, 1",
            "2:",
            "cmp rdx, rcx",
            "je 2f",
            "or r11, 2",
            "2:",
            "cmp rbp, 0x5555",
            "je 2f",
            "or r11, 4",
            "2:",
            "cmp r12, 0x2222",
            "je 2f",
            "or r11, 8",
            "2:",
            "cmp r13, 0x3333",
            "je 2f",
            "or r11, 16",
            "2:",
            "cmp r14, 0x4444",
            "je 2f",
            "or r11, 32",
            "2:",
            "pop rbp",
            "pop rbx",
            inout("rax") 0x1111u64 => _,
            inout("rcx") number => _,
            out("rdx") _,
            out("r11") changed,
            inout("r12") 0x2222u64 => _,
            inout("r13") 0x3333u64 => _,
            inout("r14") 0x4444u64 => _,
            inout("rdi") 0u64 => _,
            inout("rsi") 0u64 => _,
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r15") _,
        );
    }
    changed
}

/// Sets the stack pointer to `address` and makes a system call that does nothing; then comes back.
pub fn load_stack_and_call(address: u64) {
    // SAFETY: RSP is kept in RBX, which the kernel keeps; nothing is pushed in between.
    unsafe {
        asm!(
            "xchg rax, rbx",
            "mov rbx, rsp",
            "mov rsp, {address}",
            "syscall",
            "mov rsp, rbx",
            "xchg rax, rbx",
            address = in(reg) address,
            inout("rax") 0u64 => _,
            inout("rdx") sel4_sys::syscall::YIELD => _,
            inout("rdi") 0u64 => _, inout("rsi") 0u64 => _,
            out("rcx") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _, out("r15") _,
        );
    }
}
