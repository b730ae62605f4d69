//! What a component leaves in its stack and in the registers that the supervisor does not write, and a look at what
//! is left of it in the component's next life.
//!
//! # Soundness
//!
//! Unsafe code writes below the stack's end, where nothing is, and leaves registers as compiled code does not expect
//! them only right before the program dies.

#![no_std]

use core::{
    arch::{
        asm,
        x86_64::{__cpuid, __cpuid_count},
    },
    fmt,
    ops::Range,
};

/// What is left everywhere; nobody else has this word.
const PATTERN: u64 = 0x5ec2_e75e_c2e7_5ec3;
/// Rounding towards zero, and what is close to zero is taken for it.
static STRANGE_MXCSR: u32 = 0xffc0;
/// Rounding towards zero, in single precision.
static STRANGE_CONTROL_WORD: u16 = 0x0c7f;
/// The same registers at a program's start.
const USUAL: (u32, u16) = (0x1f80, 0x037f);
/// Bytes below the stack pointer that a function may use, and a few of its own.
const IN_USE: u64 = 512;

/// What a look found. There is none if all is zero but the two control registers, and these as usual.
#[derive(Clone, Copy, Debug)]
pub struct Residue {
    mxcsr: u32,
    control_word: u16,
    /// Words in x87, SSE and AVX registers that hold the pattern.
    register_words: usize,
    bases: [u64; 2],
    stack_words: usize,
}

impl Residue {
    /// Looks at the registers, and at the stack whose addresses are `stack`, below what is in use of it.
    #[must_use]
    pub fn look(stack: Range<u64>) -> Self {
        let image = extended_registers();
        let upper_halves = upper_halves();
        let words = image[4..].iter().chain(&upper_halves);
        let low = |word: u64| u32::try_from(word & 0xffff_ffff).unwrap_or(0);
        Self {
            mxcsr: low(image[3]),
            control_word: u16::try_from(image[0] & 0xffff).unwrap_or(0),
            register_words: words.filter(|word| is_left(**word)).count(),
            bases: segment_bases(),
            stack_words: left_in_stack(stack.start),
        }
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_none(&self) -> bool {
        (self.mxcsr, self.control_word) == USUAL
            && self.register_words == 0
            && self.bases == [0; 2]
            && self.stack_words == 0
    }
}

impl fmt::Display for Residue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "MXCSR {:#x}, control word {:#x}, {} words in registers, bases {:x?}, {} words in the stack",
            self.mxcsr, self.control_word, self.register_words, self.bases, self.stack_words
        )
    }
}

/// Fills the stack whose addresses are `stack` below what is in use of it, and all registers that it can, and dies of
/// an instruction that does not exist.
pub fn leave_and_die(stack: Range<u64>) -> ! {
    fill_stack(stack.start);
    let pattern = [PATTERN; 4];
    // SAFETY: reads the pattern; the thread does not go on, so the registers are nobody's. AVX and the instructions
    // for segment bases are there where they are used.
    unsafe {
        if has_segment_bases() {
            asm!("wrfsbase {0}", "wrgsbase {0}", in(reg) PATTERN >> 20, options(nomem, nostack));
        }
        asm!(
            "fninit",
            "fldcw [{control_word}]",
            "ldmxcsr [{mxcsr}]",
            ".rept 8",
            "fild qword ptr [{pattern}]",
            ".endr",
            control_word = in(reg) &raw const STRANGE_CONTROL_WORD,
            mxcsr = in(reg) &raw const STRANGE_MXCSR,
            pattern = in(reg) pattern.as_ptr(),
            options(readonly, nostack),
        );
        if has_avx() {
            asm!(
                ".irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
                "vmovdqu ymm\\number, [{pattern}]",
                ".endr",
                "ud2",
                pattern = in(reg) pattern.as_ptr(),
                options(noreturn),
            );
        }
        asm!(
            ".irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
            "movdqu xmm\\number, [{pattern}]",
            ".endr",
            "ud2",
            pattern = in(reg) pattern.as_ptr(),
            options(noreturn),
        );
    }
}

/// The pattern, or the 64 bits of an x87 register that hold the same number.
fn is_left(word: u64) -> bool {
    word == PATTERN || word == PATTERN << PATTERN.leading_zeros()
}

/// The image of FXSAVE (AMD APM volume 2, section 11.5.9).
fn extended_registers() -> [u64; 64] {
    #[repr(align(16))]
    struct Image([u64; 64]);
    let mut image = Image([0; 64]);
    // SAFETY: writes 512 bytes, to the image.
    unsafe { asm!("fxsave64 [{image}]", image = in(reg) &raw mut image, options(nostack)) };
    image.0
}

/// The upper halves of YMM0 to YMM15; zero without AVX.
fn upper_halves() -> [u64; 32] {
    let mut halves = [0; 32];
    if has_avx() {
        // SAFETY: writes 16 bytes sixteen times, to the array.
        unsafe {
            asm!(
                ".irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
                "vextracti128 [{halves} + 16 * \\number], ymm\\number, 1",
                ".endr",
                halves = in(reg) halves.as_mut_ptr(),
                options(nostack),
            );
        }
    }
    halves
}

fn segment_bases() -> [u64; 2] {
    let [mut fs, mut gs] = [0; 2];
    if has_segment_bases() {
        // SAFETY: reads two registers; the instructions are there.
        unsafe {
            asm!("rdfsbase {fs}", "rdgsbase {gs}", fs = out(reg) fs, gs = out(reg) gs, options(nomem, nostack));
        }
    }
    [fs, gs]
}

/// How often the pattern stands in the stack, from its lowest address up to what is in use.
fn left_in_stack(lowest: u64) -> usize {
    let count: usize;
    // SAFETY: reads words of the stack.
    unsafe {
        asm!(
            "2:",
            "cmp [{place}], {pattern}",
            "jne 3f",
            "inc {count}",
            "3:",
            "add {place}, 8",
            "cmp {place}, rsp",
            "jb 2b",
            place = inout(reg) lowest => _,
            pattern = in(reg) PATTERN,
            count = inout(reg) 0_usize => count,
            options(readonly, nostack),
        );
    }
    count
}

fn fill_stack(lowest: u64) {
    // SAFETY: writes words of the stack that no function uses: they lie below what this one may.
    unsafe {
        asm!(
            "lea rcx, [rsp - {in_use}]",
            "sub rcx, rdi",
            "shr rcx, 3",
            "rep stosq",
            in_use = const IN_USE,
            in("rax") PATTERN,
            inout("rdi") lowest => _,
            out("rcx") _,
            options(nostack),
        );
    }
}

fn has_avx() -> bool {
    const OSXSAVE_AND_AVX: u32 = 3 << 27;
    __cpuid(1).ecx & OSXSAVE_AND_AVX == OSXSAVE_AND_AVX
}

fn has_segment_bases() -> bool {
    __cpuid_count(7, 0).ebx & 1 != 0
}
