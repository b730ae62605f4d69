//! FPU, SSE and AVX registers: fills them, lets time pass, and counts what changed.

use core::arch::asm;

/// Values for sixteen vector registers of 256 bits and for MXCSR.
pub struct VectorPattern {
    lanes: [[u64; 4]; 16],
    mxcsr: u32,
}

impl VectorPattern {
    /// Values that differ from those of every other seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut lanes = [[0; 4]; 16];
        let mut value = seed | 1;
        for lane in lanes.as_flattened_mut() {
            value = value
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(seed);
            *lane = value;
        }
        // All exceptions masked; rounding mode by seed.
        let mxcsr = 0x1f80 | (u32::from(seed.to_le_bytes()[1] & 3) << 13);
        Self { lanes, mxcsr }
    }
}

/// `$load` and `$store` of registers 0 to 15 around `$middle`.
macro_rules! keep_registers {
    ($pattern:expr, $load:literal, $store:literal, $register:literal, $middle:literal, $count:expr, $number:expr, $target:expr) => {{
        let pattern: &VectorPattern = $pattern;
        let mut after = [[0u64; 4]; 16];
        let mut mxcsr_after = 0u32;
        let mut mxcsr_before = 0u32;
        // SAFETY: reads the pattern and writes `after`, both large enough; the vector registers,
        // those of the system call, and MXCSR (restored) are all that changes. RBX is put back.
        unsafe {
            asm!(
                "stmxcsr [{mxcsr_before}]",
                "ldmxcsr [{mxcsr}]",
                concat!($load, " ", $register, "0, [r14]"),
                concat!($load, " ", $register, "1, [r14 + 32]"),
                concat!($load, " ", $register, "2, [r14 + 64]"),
                concat!($load, " ", $register, "3, [r14 + 96]"),
                concat!($load, " ", $register, "4, [r14 + 128]"),
                concat!($load, " ", $register, "5, [r14 + 160]"),
                concat!($load, " ", $register, "6, [r14 + 192]"),
                concat!($load, " ", $register, "7, [r14 + 224]"),
                concat!($load, " ", $register, "8, [r14 + 256]"),
                concat!($load, " ", $register, "9, [r14 + 288]"),
                concat!($load, " ", $register, "10, [r14 + 320]"),
                concat!($load, " ", $register, "11, [r14 + 352]"),
                concat!($load, " ", $register, "12, [r14 + 384]"),
                concat!($load, " ", $register, "13, [r14 + 416]"),
                concat!($load, " ", $register, "14, [r14 + 448]"),
                concat!($load, " ", $register, "15, [r14 + 480]"),
                $middle,
                concat!($store, " [r12], ", $register, "0"),
                concat!($store, " [r12 + 32], ", $register, "1"),
                concat!($store, " [r12 + 64], ", $register, "2"),
                concat!($store, " [r12 + 96], ", $register, "3"),
                concat!($store, " [r12 + 128], ", $register, "4"),
                concat!($store, " [r12 + 160], ", $register, "5"),
                concat!($store, " [r12 + 192], ", $register, "6"),
                concat!($store, " [r12 + 224], ", $register, "7"),
                concat!($store, " [r12 + 256], ", $register, "8"),
                concat!($store, " [r12 + 288], ", $register, "9"),
                concat!($store, " [r12 + 320], ", $register, "10"),
                concat!($store, " [r12 + 352], ", $register, "11"),
                concat!($store, " [r12 + 384], ", $register, "12"),
                concat!($store, " [r12 + 416], ", $register, "13"),
                concat!($store, " [r12 + 448], ", $register, "14"),
                concat!($store, " [r12 + 480], ", $register, "15"),
                "stmxcsr [r13]",
                "ldmxcsr [{mxcsr_before}]",
                mxcsr = in(reg) &raw const pattern.mxcsr,
                mxcsr_before = in(reg) &raw mut mxcsr_before,
                in("r14") pattern.lanes.as_ptr(),
                in("r12") after.as_mut_ptr(),
                in("r13") &raw mut mxcsr_after,
                inout("rax") $count => _,
                inout("rdx") $number => _,
                inout("rdi") $target.0 => _, inout("rsi") $target.1 => _,
                out("rcx") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _, out("r15") _,
                out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
                out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
                out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
                out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
            );
        }
        (after, u64::from(mxcsr_after != pattern.mxcsr))
    }};
}

fn differing(after: &[[u64; 4]; 16], pattern: &VectorPattern, words: usize) -> u64 {
    let pairs = after.iter().zip(&pattern.lanes);
    pairs
        .filter(|(got, wanted)| got[..words] != wanted[..words])
        .count() as u64
}

/// Leaves something in a vector register.
pub fn use_sse() {
    // SAFETY: sets one register, which is named.
    unsafe { asm!("pcmpeqd xmm0, xmm0", out("xmm0") _, options(nomem, nostack, preserves_flags)) };
}

/// Makes a system call; answers how many of XMM0 to XMM15 and MXCSR changed. `target` is what goes
/// to RDI and RSI: capability and message information.
#[must_use]
pub fn keep_sse(pattern: &VectorPattern, number: i64, target: (u64, u64)) -> u64 {
    let (after, errors) = keep_registers!(
        pattern,
        "movdqu",
        "movdqu",
        "xmm",
        "xchg rax, rbx\nmov rbx, rsp\nsyscall\nmov rsp, rbx\nxchg rax, rbx",
        0u64,
        number,
        target
    );
    errors + differing(&after, pattern, 2)
}

/// Spins for `rounds`; answers how many of XMM0 to XMM15 and MXCSR changed.
#[must_use]
pub fn keep_sse_while_spinning(pattern: &VectorPattern, rounds: u64) -> u64 {
    let (after, errors) = keep_registers!(
        pattern,
        "movdqu",
        "movdqu",
        "xmm",
        "2: dec rax\njnz 2b",
        rounds,
        0u64,
        (0u64, 0u64)
    );
    errors + differing(&after, pattern, 2)
}

/// Spins for `rounds`; answers how many of YMM0 to YMM15 and MXCSR changed. The CPU must have AVX.
#[must_use]
pub fn keep_avx_while_spinning(pattern: &VectorPattern, rounds: u64) -> u64 {
    let (after, errors) = keep_registers!(
        pattern,
        "vmovdqu",
        "vmovdqu",
        "ymm",
        "2: dec rax\njnz 2b",
        rounds,
        0u64,
        (0u64, 0u64)
    );
    errors + differing(&after, pattern, 4)
}

/// Loads the x87 stack and control word, makes a system call; answers how many of them changed.
#[must_use]
pub fn keep_x87(seed: u64, number: i64) -> u64 {
    // Eight integers that 64-bit mantissas hold exactly.
    let values: [u64; 8] = core::array::from_fn(|index| (seed + index as u64) & 0xffff_ffff_ffff);
    let mut after = [0u64; 8];
    // Rounding mode and precision other than the default.
    let control: u16 = 0x37f | (u16::from(seed.to_le_bytes()[0] & 3) << 10);
    let mut control_after = 0u16;
    // SAFETY: reads and writes the arrays given; the x87 state is left initialised, RBX and RSP
    // are put back.
    unsafe {
        asm!(
            "fninit",
            "fldcw [r13]",
            "fild qword ptr [r14]",
            "fild qword ptr [r14 + 8]",
            "fild qword ptr [r14 + 16]",
            "fild qword ptr [r14 + 24]",
            "fild qword ptr [r14 + 32]",
            "fild qword ptr [r14 + 40]",
            "fild qword ptr [r14 + 48]",
            "fild qword ptr [r14 + 56]",
            "xchg rax, rbx",
            "mov rbx, rsp",
            "syscall",
            "mov rsp, rbx",
            "xchg rax, rbx",
            "fistp qword ptr [r12 + 56]",
            "fistp qword ptr [r12 + 48]",
            "fistp qword ptr [r12 + 40]",
            "fistp qword ptr [r12 + 32]",
            "fistp qword ptr [r12 + 24]",
            "fistp qword ptr [r12 + 16]",
            "fistp qword ptr [r12 + 8]",
            "fistp qword ptr [r12]",
            "fnstcw [{control_after}]",
            "fninit",
            control_after = in(reg) &raw mut control_after,
            in("r12") after.as_mut_ptr(),
            in("r13") &raw const control,
            in("r14") values.as_ptr(),
            inout("rax") 0u64 => _,
            inout("rdx") number => _,
            inout("rdi") 0u64 => _, inout("rsi") 0u64 => _,
            out("rcx") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _, out("r15") _,
            out("st(0)") _, out("st(1)") _, out("st(2)") _, out("st(3)") _,
            out("st(4)") _, out("st(5)") _, out("st(6)") _, out("st(7)") _,
        );
    }
    let differing = values.iter().zip(&after).filter(|(a, b)| a != b).count() as u64;
    differing + u64::from(control != control_after)
}

/// What a thread finds in its floating point unit.
pub struct State {
    /// The x87 control word.
    pub control_word: u64,
    /// MXCSR.
    pub mxcsr: u64,
    /// All XMM registers joined by OR, except the first ones, which the program itself has used.
    pub register_bits: u64,
}

/// Looks at the state of the floating point unit.
#[must_use]
pub fn state() -> State {
    let mut image = [0u64; 64 + 1];
    // FXSAVE wants 16 bytes of alignment.
    let skip = usize::from(!image.as_ptr().addr().is_multiple_of(16));
    // SAFETY: writes 512 bytes behind the aligned start, which lie in `image`.
    unsafe {
        asm!("fxsave64 [{area}]", area = in(reg) image.as_mut_ptr().add(skip), options(nostack));
    }
    let image = &image[skip..];
    State {
        control_word: image[0] & 0xffff,
        mxcsr: image[3] & 0xffff_ffff,
        // XMM8 to XMM15: the compiler's own code before this call uses the lower ones first.
        register_bits: image[20 + 16..52].iter().fold(0, |sum, word| sum | word),
    }
}
