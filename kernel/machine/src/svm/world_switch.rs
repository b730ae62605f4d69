//! Into the guest and back.
//!
//! # Soundness
//!
//! With V_INTR_MASKING a physical interrupt obeys the host's IF, which is off in the kernel; so interrupts are
//! switched on for the guest's run, and the global interrupt flag keeps them away from the kernel meanwhile:
//! CLGI, STI, one more instruction (the emulator's VMRUN does not end the shadow of STI), VMRUN, which sets
//! the global flag for the guest, and an exit clears it again; CLI, STGI. What came meanwhile is still
//! pending afterwards and taken by [`crate::trap::take_pending_interrupt`].
//!
//! VMRUN and the exit switch what the control block's save area holds and restore the host's RAX, RSP, RIP,
//! RFLAGS, control and segment registers from the host save area. The general registers are swapped here;
//! FS, GS, TR, LDTR and the system call registers by VMSAVE and VMLOAD, for the host through a block of its
//! own. The function keeps the registers that its caller expects to be kept.

use core::arch::naked_asm;
use core::cell::Cell;

use sel4_sys::extension::GENERAL_REGISTERS;

/// Runs the guest of the control block at physical address `vmcb` until it exits.
///
/// # Safety
/// EFER.SVME is set, the host save area known to the processor; `vmcb` is a complete control block whose
/// intercepts and nested tables confine the guest, and `host` a page for the host's part. Interrupts are off.
#[unsafe(naked)]
pub(crate) unsafe extern "sysv64" fn run(
    general: *const [Cell<u64>; GENERAL_REGISTERS],
    vmcb: u64,
    host: u64,
) {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rdx",
        "push rdi",
        "mov rax, rdx",
        "vmsave rax",
        "mov rax, rsi",
        "vmload rax",
        "mov rcx, [rdi + 8]",
        "mov rdx, [rdi + 16]",
        "mov rbx, [rdi + 24]",
        "mov rbp, [rdi + 40]",
        "mov rsi, [rdi + 48]",
        "mov r8, [rdi + 64]",
        "mov r9, [rdi + 72]",
        "mov r10, [rdi + 80]",
        "mov r11, [rdi + 88]",
        "mov r12, [rdi + 96]",
        "mov r13, [rdi + 104]",
        "mov r14, [rdi + 112]",
        "mov r15, [rdi + 120]",
        "mov rdi, [rdi + 56]",
        "clgi",
        "sti",
        "nop",
        "vmrun rax",
        "cli",
        "stgi",
        "vmsave rax",
        "push rdi",
        "mov rdi, [rsp + 8]",
        "pop [rdi + 56]",
        "mov [rdi + 8], rcx",
        "mov [rdi + 16], rdx",
        "mov [rdi + 24], rbx",
        "mov [rdi + 40], rbp",
        "mov [rdi + 48], rsi",
        "mov [rdi + 64], r8",
        "mov [rdi + 72], r9",
        "mov [rdi + 80], r10",
        "mov [rdi + 88], r11",
        "mov [rdi + 96], r12",
        "mov [rdi + 104], r13",
        "mov [rdi + 112], r14",
        "mov [rdi + 120], r15",
        "pop rdi",
        "pop rax",
        "vmload rax",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        // The guest's values are nobody's: no speculation shall find them.
        "xor ecx, ecx; xor edx, edx; xor esi, esi",
        "xor r8d, r8d; xor r9d, r9d; xor r10d, r10d; xor r11d, r11d",
        "jmp return_filled",
    )
}
