//! The registers of x87, SSE and AVX as a processor has them at its start. The kernel keeps them with the thread, and
//! no invocation writes them: who is started afresh finds what the life before computed with, and its rounding.

use core::arch::{asm, x86_64::__cpuid};

/// CPUID leaf 1 ECX: the kernel uses XSAVE.
const OSXSAVE: u32 = 1 << 27;
/// The x87 control word at the start: no exceptions, 64 bits of precision (AMD APM volume 2, section 11.5.9).
const CONTROL_WORD: u32 = 0x037f;
/// MXCSR at the start: no exceptions, rounding to the nearest.
const MXCSR: u32 = 0x1f80;

/// An image for FXRSTOR and XRSTOR (same section): 512 bytes of x87 and SSE, and a header, which says that the parts
/// behind are as at the start.
#[repr(C, align(64))]
struct Image([u32; 144]);

static INITIAL: Image = {
    let mut words = [0; 144];
    words[0] = CONTROL_WORD;
    words[6] = MXCSR;
    Image(words)
};

/// Makes all of them what they were at the program's first start.
pub(crate) fn reset() {
    let image = &raw const INITIAL;
    // SAFETY: both read the image, as long and aligned as they want it, and change no memory; the registers that hold
    // data are declared, and control words become what compiled code takes them for. XRSTOR exists with OSXSAVE.
    unsafe {
        if __cpuid(1).ecx & OSXSAVE != 0 {
            asm!("xrstor64 [{image}]", image = in(reg) image, in("eax") u32::MAX, in("edx") u32::MAX,
                clobber_abi("C"), options(nostack, readonly));
        } else {
            asm!("fxrstor64 [{image}]", image = in(reg) image, clobber_abi("C"), options(nostack, readonly));
        }
    }
}
