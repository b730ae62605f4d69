//! Programs for guests, to be copied into their memory.
//!
//! The assembler makes them part of the test program's constants. None of them refers to an address
//! in itself, except where it says so.

use core::arch::global_asm;

/// A program in the given assembler lines.
macro_rules! program {
    ($(#[$documentation:meta])* $name:ident, $start:literal, $end:literal, $($line:literal),+ $(,)?) => {
        global_asm!(
            ".pushsection .rodata",
            concat!($start, ":"),
            $($line,)+
            concat!($end, ":"),
            ".popsection"
        );

        $(#[$documentation])*
        #[must_use]
        pub fn $name() -> &'static [u8] {
            unsafe extern "C" {
                #[link_name = $start]
                static START: u8;
                #[link_name = $end]
                static END: u8;
            }
            let (start, end) = (&raw const START, &raw const END);
            // SAFETY: the assembler put the program between the two labels, and nobody writes there.
            unsafe { core::slice::from_raw_parts(start, end.offset_from_unsigned(start)) }
        }
    };
}

program!(
    /// Puts a value into RAX and its complement into R15, calls the monitor, adds RBX to RAX, halts.
    registers,
    "guest_registers_start",
    "guest_registers_end",
    "mov rax, 0x1122334455667788",
    "mov r15, rax",
    "not r15",
    "vmmcall",
    "add rax, rbx",
    "hlt"
);

program!(
    /// Writes 0x12345678 to the address in RDI, reads it again into RAX, halts.
    touch,
    "guest_touch_start",
    "guest_touch_end",
    "mov dword ptr [rdi], 0x12345678",
    "mov eax, [rdi]",
    "hlt"
);

program!(
    /// Jumps to the address in RDI.
    jump,
    "guest_jump_start",
    "guest_jump_end",
    "jmp rdi"
);

program!(
    /// Executes an undefined instruction, sets RAX to 7, halts.
    undefined,
    "guest_undefined_start",
    "guest_undefined_end",
    "ud2",
    "mov eax, 7",
    "hlt"
);

program!(
    /// Halts; goes on with interrupts on for two instructions; halts with interrupts off.
    interruptible,
    "guest_interruptible_start",
    "guest_interruptible_end",
    "hlt",
    "sti",
    "nop",
    "nop",
    "cli",
    "hlt"
);

program!(
    /// Joins what it finds in XMM0 to XMM15 into RAX and RBX, fills all of them with ones, calls the
    /// monitor, and answers in RAX 0xffff if they are still so. Halts.
    vector_registers,
    "guest_vector_registers_start",
    "guest_vector_registers_end",
    "por xmm0, xmm1",
    "por xmm0, xmm2",
    "por xmm0, xmm3",
    "por xmm0, xmm4",
    "por xmm0, xmm5",
    "por xmm0, xmm6",
    "por xmm0, xmm7",
    "por xmm0, xmm8",
    "por xmm0, xmm9",
    "por xmm0, xmm10",
    "por xmm0, xmm11",
    "por xmm0, xmm12",
    "por xmm0, xmm13",
    "por xmm0, xmm14",
    "por xmm0, xmm15",
    "movq rax, xmm0",
    "psrldq xmm0, 8",
    "movq rbx, xmm0",
    "pcmpeqd xmm0, xmm0",
    "movdqa xmm1, xmm0",
    "movdqa xmm2, xmm0",
    "movdqa xmm3, xmm0",
    "movdqa xmm4, xmm0",
    "movdqa xmm5, xmm0",
    "movdqa xmm6, xmm0",
    "movdqa xmm7, xmm0",
    "movdqa xmm8, xmm0",
    "movdqa xmm9, xmm0",
    "movdqa xmm10, xmm0",
    "movdqa xmm11, xmm0",
    "movdqa xmm12, xmm0",
    "movdqa xmm13, xmm0",
    "movdqa xmm14, xmm0",
    "movdqa xmm15, xmm0",
    "vmmcall",
    "pand xmm0, xmm1",
    "pand xmm0, xmm2",
    "pand xmm0, xmm3",
    "pand xmm0, xmm4",
    "pand xmm0, xmm5",
    "pand xmm0, xmm6",
    "pand xmm0, xmm7",
    "pand xmm0, xmm8",
    "pand xmm0, xmm9",
    "pand xmm0, xmm10",
    "pand xmm0, xmm11",
    "pand xmm0, xmm12",
    "pand xmm0, xmm13",
    "pand xmm0, xmm14",
    "pand xmm0, xmm15",
    "pmovmskb eax, xmm0",
    "hlt"
);

program!(
    /// Switches OSXSAVE on, sets XCR0 to 1 (x87 alone), reads it into RAX, halts.
    extended_control,
    "guest_extended_control_start",
    "guest_extended_control_end",
    "mov rax, cr4",
    "or eax, 1 << 18",
    "mov cr4, rax",
    "xor ecx, ecx",
    "xor edx, edx",
    "mov eax, 1",
    "xsetbv",
    "xgetbv",
    "hlt"
);

program!(
    /// Writes RDI to every model-specific register that the guest owns, then halts.
    own_model_specific,
    "guest_own_msr_start",
    "guest_own_msr_end",
    "mov eax, edi",
    "mov rdx, rdi",
    "shr rdx, 32",
    "mov ecx, 0xc0000081",
    "wrmsr",
    "mov ecx, 0xc0000082",
    "wrmsr",
    "mov ecx, 0xc0000083",
    "wrmsr",
    "mov ecx, 0xc0000084",
    "wrmsr",
    "mov ecx, 0xc0000100",
    "wrmsr",
    "mov ecx, 0xc0000101",
    "wrmsr",
    "mov ecx, 0xc0000102",
    "wrmsr",
    "mov ecx, 0x174",
    "wrmsr",
    "mov ecx, 0x175",
    "wrmsr",
    "mov ecx, 0x176",
    "wrmsr",
    "hlt"
);

program!(
    /// Reads DR0 to DR3 into RAX, RBX, RCX, RDX; halts.
    debug_registers,
    "guest_debug_registers_start",
    "guest_debug_registers_end",
    "mov rax, dr0",
    "mov rbx, dr1",
    "mov rcx, dr2",
    "mov rdx, dr3",
    "hlt"
);

program!(
    /// Counts in the word at the address in RDI for ever, interrupts off.
    count,
    "guest_count_start",
    "guest_count_end",
    "cli",
    "2:",
    "inc qword ptr [rdi]",
    "jmp 2b"
);

/// Where [`to_long_mode`] must lie.
pub const TO_LONG_MODE_AT: u16 = 0x9000;

global_asm!(
    ".pushsection .rodata",
    ".balign 8",
    "guest_to_long_mode_start:",
    ".code16",
    "cli",
    "xorw %ax, %ax",
    "movw %ax, %ds",
    "lgdtl 0x9000 + guest_to_long_mode_table - guest_to_long_mode_start",
    "movl %cr0, %eax",
    "orl $1, %eax",
    "movl %eax, %cr0",
    "ljmpl $8, $(0x9000 + guest_to_long_mode_32 - guest_to_long_mode_start)",
    ".code32",
    "guest_to_long_mode_32:",
    "movl $16, %eax",
    "movw %ax, %ds",
    "movw %ax, %ss",
    "movl %cr4, %eax",
    "orl $0x20, %eax",
    "movl %eax, %cr4",
    "movl $0x1000, %eax",
    "movl %eax, %cr3",
    "movl $0xc0000080, %ecx",
    "rdmsr",
    "orl $0x100, %eax",
    "wrmsr",
    "movl %cr0, %eax",
    "orl $0x80000000, %eax",
    "movl %eax, %cr0",
    "ljmpl $24, $(0x9000 + guest_to_long_mode_64 - guest_to_long_mode_start)",
    ".code64",
    "guest_to_long_mode_64:",
    "movabsq $0x1122334455667788, %rax",
    "vmmcall",
    "hlt",
    ".balign 8",
    "guest_to_long_mode_gdt:",
    ".quad 0",
    ".quad 0x00cf9b000000ffff",
    ".quad 0x00cf93000000ffff",
    ".quad 0x00af9b000000ffff",
    "guest_to_long_mode_table:",
    ".word 31",
    ".long 0x9000 + guest_to_long_mode_gdt - guest_to_long_mode_start",
    "guest_to_long_mode_end:",
    ".popsection",
    options(att_syntax)
);

/// Starts in real mode at [`TO_LONG_MODE_AT`], goes through protected mode into 64-bit mode with the
/// page tables at 0x1000, and calls the monitor with a 64-bit value in RAX. Halts.
#[must_use]
pub fn to_long_mode() -> &'static [u8] {
    unsafe extern "C" {
        #[link_name = "guest_to_long_mode_start"]
        static START: u8;
        #[link_name = "guest_to_long_mode_end"]
        static END: u8;
    }
    let (start, end) = (&raw const START, &raw const END);
    // SAFETY: the assembler put the program between the two labels, and nobody writes there.
    unsafe { core::slice::from_raw_parts(start, end.offset_from_unsigned(start)) }
}
