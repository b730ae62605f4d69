//! The extended state (x87, SSE, AVX) of threads, switched eagerly.
//!
//! The kernel itself uses no vector or floating-point register, so the running thread's state stays in the
//! processor while the kernel runs, until another thread is resumed.

use core::arch::asm;
use core::cell::Cell;

use kernel_core::{FPU_BYTES, FpuArea};
use x86::controlregs::{Cr0, Xcr0, cr0, cr0_write, xcr0_write};

use super::features::Features;

/// x87, SSE and AVX.
pub(crate) const XCR0: u64 = 7;

/// How the state is saved.
pub(crate) struct Fpu {
    pub(crate) xsave: Cell<bool>,
    disabled: Cell<bool>,
}

impl Fpu {
    pub(crate) const fn new() -> Self {
        Self {
            xsave: Cell::new(false),
            disabled: Cell::new(false),
        }
    }

    /// Chooses how to save.
    ///
    /// # Safety
    /// CR4 is set up.
    pub(crate) unsafe fn initialize(&self, features: &Features) {
        self.xsave.set(features.xsave_avx);
        if features.xsave_avx {
            // SAFETY: CR4.OSXSAVE is set where the feature exists.
            unsafe { xcr0_write(Xcr0::from_bits_truncate(XCR0)) };
            let bytes = core::arch::x86_64::__cpuid_count(0xd, 0).ebx as usize;
            assert!(bytes <= FPU_BYTES, "the extended state needs {bytes} bytes");
        }
    }

    /// Saves the processor's state, unless it is nobody's because the thread that runs may not use it.
    #[inline(always)]
    pub(crate) fn save(&self, area: &FpuArea) {
        let area: *const FpuArea = area;
        // SAFETY: the area is 64-byte aligned, large enough (asserted above) and made of cells, so
        // it may be written through a shared reference. The state is not disabled.
        unsafe {
            if self.disabled.get() {
                return;
            }
            if self.xsave.get() {
                asm!("xsave64 [{}]", in(reg) area, in("eax") -1, in("edx") -1, options(nostack, preserves_flags));
            } else {
                asm!("fxsave64 [{}]", in(reg) area, options(nostack, preserves_flags));
            }
        }
    }

    /// Saves one state and loads another; XSAVE is used, and the state is not disabled.
    #[inline(always)]
    pub(crate) fn exchange(&self, old: &FpuArea, new: &FpuArea) {
        let (old, new): (*const FpuArea, *const FpuArea) = (old, new);
        // SAFETY: as in `save` and `load`.
        unsafe {
            asm!(
                "xsave64 [{}]", "xrstor64 [{}]", in(reg) old, in(reg) new,
                in("eax") -1, in("edx") -1, options(nostack, preserves_flags)
            );
        }
    }

    /// Loads a state into the processor.
    #[inline(always)]
    pub(crate) fn load(&self, area: &FpuArea) {
        let area: *const FpuArea = area;
        // SAFETY: the area holds what `save` wrote, or the initial state; no program can change it, so
        // the instruction finds no reserved bit set.
        unsafe {
            self.enable();
            if self.xsave.get() {
                asm!("xrstor64 [{}]", in(reg) area, in("eax") -1, in("edx") -1, options(nostack, preserves_flags, readonly));
            } else {
                asm!("fxrstor64 [{}]", in(reg) area, options(nostack, preserves_flags, readonly));
            }
        }
    }

    /// Makes user instructions that use the state fault (device not available).
    pub(crate) fn disable(&self) {
        // SAFETY: the task-switched flag affects only the extended state's instructions.
        unsafe { cr0_write(cr0() | Cr0::CR0_TASK_SWITCHED) };
        self.disabled.set(true);
    }

    #[inline(always)]
    fn enable(&self) {
        if self.disabled.replace(false) {
            // SAFETY: as in `disable`.
            unsafe { cr0_write(cr0() & !Cr0::CR0_TASK_SWITCHED) };
        }
    }
}
