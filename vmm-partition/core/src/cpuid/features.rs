//! Bits that the guest may see (AMD64 Architecture Programmer's Manual volume 3, appendix E).

/// A set of bits.
const fn bits<const N: usize>(list: [u32; N]) -> u32 {
    let mut set = 0;
    let mut index = 0;
    while index < N {
        set |= 1 << list[index];
        index += 1;
    }
    set
}

/// Leaf 1 ECX: SSE3, PCLMULQDQ, SSSE3, FMA, CMPXCHG16B, SSE4.1, SSE4.2, MOVBE, POPCNT, AES, XSAVE, AVX,
/// F16C, RDRAND. Hidden: MONITOR, PCID, and what is Intel's.
pub(super) const LEAF_1_ECX: u32 = bits([0, 1, 9, 12, 13, 19, 20, 22, 23, 25, 26, 28, 29, 30]);
/// Leaf 1 ECX that the monitor provides: x2APIC, TSC deadline, hypervisor present.
pub(super) const LEAF_1_ECX_PROVIDED: u32 = bits([21, 24, 31]);
/// Leaf 1 ECX: the operating system uses XSAVE.
pub(super) const OSXSAVE: u32 = 1 << 27;
/// Leaf 1 EDX: FPU, VME, DE, PSE, TSC, MSR, PAE, CX8, APIC, SEP, PGE, CMOV, PAT, PSE36, CLFSH, MMX, FXSR,
/// SSE, SSE2. Hidden: machine checks and MTRRs, which the monitor does not model.
pub(super) const LEAF_1_EDX: u32 = bits([
    0, 1, 2, 3, 4, 5, 6, 8, 9, 11, 13, 15, 16, 17, 19, 23, 24, 25, 26,
]);
/// What needs XSAVE in leaf 1 ECX: XSAVE, AVX, FMA, F16C.
pub(super) const LEAF_1_ECX_XSAVE: u32 = bits([12, 26, 28, 29]);

/// Leaf 6 EAX: the local APIC's timer always runs.
pub(super) const ALWAYS_RUNNING_TIMER: u32 = 1 << 2;

/// Leaf 7 EBX: FSGSBASE, BMI1, AVX2, SMEP, BMI2, ERMS, RDSEED, ADX, SMAP, CLFLUSHOPT, CLWB, SHA.
pub(super) const LEAF_7_EBX: u32 = bits([0, 3, 5, 7, 8, 9, 18, 19, 20, 23, 24, 29]);
/// Leaf 7 EBX: AVX2.
pub(super) const LEAF_7_EBX_XSAVE: u32 = bits([5]);
/// Leaf 7 ECX: UMIP. Hidden: protection keys, and vector extensions that need more than AVX state.
pub(super) const LEAF_7_ECX: u32 = bits([2]);
/// Leaf 7 EDX: fast short REP MOV.
pub(super) const LEAF_7_EDX: u32 = bits([4]);

/// State components that the kernel switches: x87, SSE, AVX.
pub(super) const XCR0_COMPONENTS: u32 = 7;
/// Leaf 0xd, sub-leaf 1 EAX: XSAVEOPT, XGETBV with ECX = 1. Hidden: XSAVEC and XSAVES with their supervisor state.
pub(super) const LEAF_D1_EAX: u32 = bits([0, 2]);

/// Leaf 0x80000001 ECX: LAHF, CR8 by LOCK MOV, ABM, SSE4A, misaligned SSE, PREFETCHW. Hidden: SVM and all else.
pub(super) const LEAF_8000_0001_ECX: u32 = bits([0, 4, 5, 6, 7, 8]);
/// Leaf 0x80000001 EDX beyond what it shares with leaf 1: SYSCALL, NX, MMXEXT, FXSR optimisation, 1 GiB pages,
/// RDTSCP, long mode.
pub(super) const LEAF_8000_0001_EDX: u32 = bits([11, 20, 22, 25, 26, 27, 29]);
/// Bits of leaf 0x80000001 EDX that repeat leaf 1.
pub(super) const REPEATED_EDX: u32 = bits([0, 1, 2, 3, 4, 5, 6, 8, 9, 13, 15, 16, 17, 23, 24]);
/// Leaf 0x80000007 EDX: the TSC runs at a constant rate in every state.
pub(super) const INVARIANT_TSC: u32 = 1 << 8;
/// Leaf 0x80000008 EBX: CLZERO, XSAVE of error pointers.
pub(super) const LEAF_8000_0008_EBX: u32 = bits([0, 2]);
