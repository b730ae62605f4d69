//! The level x86-64-v3 of the System V ABI, for which some programs are built: is all of it there?
//!
//! The root server asks, once, before anything else starts; it is itself built for any x86-64.

use core::arch::{
    asm,
    x86_64::{__cpuid, __cpuid_count},
};

/// What the processor says of itself (AMD APM volume 3, appendix E), and the kernel in XCR0.
#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    leaf_1_ecx: u32,
    leaf_7_ebx: u32,
    extended_1_ecx: u32,
    xcr0: u64,
}

/// Leaf 1 ECX: the kernel uses XSAVE, so XCR0 can be read.
const OSXSAVE: u32 = 1 << 27;
/// XCR0: the kernel keeps the SSE and AVX registers of each thread.
const VECTOR_STATE: u64 = 0b110;

/// The names of all that the processor, or the kernel, lacks of x86-64-v3. Level 2 is not asked for by itself:
/// no processor has AVX2 without it.
pub fn missing_from_v3() -> impl Iterator<Item = &'static str> {
    missing(ask())
}

fn missing(answers: Answers) -> impl Iterator<Item = &'static str> {
    let (basic, structured) = (answers.leaf_1_ecx, answers.leaf_7_ebx);
    let has = |register: u32, bit: u32| register & (1 << bit) != 0;
    let keeps_vectors = basic & OSXSAVE != 0 && answers.xcr0 & VECTOR_STATE == VECTOR_STATE;
    [
        ("AVX", has(basic, 28)),
        ("AVX2", has(structured, 5)),
        ("BMI1", has(structured, 3)),
        ("BMI2", has(structured, 8)),
        ("F16C", has(basic, 29)),
        ("FMA", has(basic, 12)),
        ("LZCNT", has(answers.extended_1_ecx, 5)),
        ("MOVBE", has(basic, 22)),
        ("AVX registers kept by the kernel", keeps_vectors),
    ]
    .into_iter()
    .filter_map(|(name, is_there)| (!is_there).then_some(name))
}

fn ask() -> Answers {
    let leaf_1_ecx = __cpuid(1).ecx;
    Answers {
        leaf_1_ecx,
        leaf_7_ebx: if __cpuid(0).eax >= 7 {
            __cpuid_count(7, 0).ebx
        } else {
            0
        },
        extended_1_ecx: if __cpuid(0x8000_0000).eax > 0x8000_0000 {
            __cpuid(0x8000_0001).ecx
        } else {
            0
        },
        xcr0: if leaf_1_ecx & OSXSAVE != 0 {
            read_xcr0()
        } else {
            0
        },
    }
}

/// Reads XCR0, which only exists where [`OSXSAVE`] is set; elsewhere the instruction faults.
fn read_xcr0() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reads a register of the processor into two others, and touches no memory.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high,
            options(nomem, nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: Answers = Answers {
        leaf_1_ecx: 1 << 12 | 1 << 22 | OSXSAVE | 1 << 28 | 1 << 29,
        leaf_7_ebx: 1 << 3 | 1 << 5 | 1 << 8,
        extended_1_ecx: 1 << 5,
        xcr0: 7,
    };

    fn names(answers: Answers) -> Vec<&'static str> {
        missing(answers).collect()
    }

    #[test]
    fn nothing_is_missing_where_everything_is() {
        assert!(names(EVERYTHING).is_empty());
    }

    #[test]
    fn what_is_missing_is_named() {
        let without_avx2 = Answers {
            leaf_7_ebx: EVERYTHING.leaf_7_ebx & !(1 << 5),
            ..EVERYTHING
        };
        assert_eq!(names(without_avx2), ["AVX2"]);
        let not_kept = Answers {
            xcr0: 3,
            ..EVERYTHING
        };
        assert_eq!(names(not_kept), ["AVX registers kept by the kernel"]);
        assert_eq!(names(Answers::default()).len(), 9);
    }
}
