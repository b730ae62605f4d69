//! The part of a thread that stays in the processor while the kernel runs: extended state, segment bases
//! and selectors.

use core::arch::asm;
use core::cell::Cell;

use kernel_core::{Register, Tcb, TcbRef};
use x86::bits64::segmentation::{rdfsbase, rdgsbase, wrfsbase, wrgsbase};
use x86::msr::{IA32_FS_BASE, IA32_GS_BASE, wrmsr};

use crate::address_space::AddressSpaces;
use crate::cpu::features::Features;
use crate::cpu::fpu::Fpu;
use crate::speculation::Predictors;

/// Whose state the processor holds.
pub(crate) struct ThreadState {
    loaded: Cell<Option<TcbRef>>,
    pub(crate) fpu: Fpu,
    /// User programs can change segment bases by instructions, so the bases must be read back.
    has_base_instructions: Cell<bool>,
    pub(crate) predictors: Predictors,
    /// There are base instructions, the extended state is saved by XSAVE and not disabled, and the predictor is
    /// not trained: what nearly always holds, in one look.
    is_usual: Cell<bool>,
}

impl ThreadState {
    pub(crate) const fn new() -> Self {
        Self {
            loaded: Cell::new(None),
            fpu: Fpu::new(),
            has_base_instructions: Cell::new(false),
            predictors: Predictors::new(),
            is_usual: Cell::new(false),
        }
    }

    /// Chooses how to switch.
    ///
    /// # Safety
    /// CR4 is set up.
    pub(crate) unsafe fn initialize(&self, features: &Features, measures: u64) {
        self.predictors.initialize(measures);
        self.has_base_instructions.set(features.fs_gs_base);
        // SAFETY: passed on.
        unsafe { self.fpu.initialize(features) };
    }

    /// The thread whose state the processor holds.
    #[inline(always)]
    pub(crate) fn loaded(&self) -> Option<TcbRef> {
        self.loaded.get()
    }

    /// Writes the loaded thread's state to its TCB and puts another's, which runs in the active space, into
    /// the processor.
    #[inline(always)]
    pub(crate) fn exchange(&self, old: &Tcb, thread: TcbRef, new: &Tcb, spaces: &AddressSpaces) {
        if self.is_usual.get() && !new.is_fpu_disabled() {
            self.save_bases(old);
            self.load_bases(new);
            self.fpu.exchange(&old.fpu, &new.fpu);
            self.loaded.set(Some(thread));
        } else {
            self.save(old);
            self.load(thread, new, spaces);
        }
    }

    /// Writes the loaded thread's state to its TCB.
    pub(crate) fn save(&self, tcb: &Tcb) {
        self.fpu.save(&tcb.fpu);
        if self.has_base_instructions.get() {
            self.save_bases(tcb);
        }
        self.loaded.set(None);
    }

    #[inline(always)]
    fn save_bases(&self, tcb: &Tcb) {
        // SAFETY: the caller knows that the instructions are enabled; they read only.
        unsafe {
            tcb.context.set(Register::FsBase, rdfsbase());
            tcb.context.set(Register::GsBase, rdgsbase());
        }
    }

    /// Puts a thread's state into the processor; what it held before is lost. The thread runs in the active
    /// space.
    pub(crate) fn load(&self, thread: TcbRef, tcb: &Tcb, spaces: &AddressSpaces) {
        if self.has_base_instructions.get() {
            self.load_bases(tcb);
        } else {
            clear_selectors();
            // SAFETY: as in `load_bases`.
            unsafe {
                wrmsr(IA32_FS_BASE, tcb.context.get(Register::FsBase));
                wrmsr(IA32_GS_BASE, tcb.context.get(Register::GsBase));
            }
        }
        if tcb.is_fpu_disabled() {
            self.fpu.disable();
            self.is_usual.set(false);
        } else {
            self.fpu.load(&tcb.fpu);
            self.is_usual
                .set(self.has_base_instructions.get() & self.fpu.xsave.get());
        }
        self.loaded.set(Some(thread));
        if self.predictors.is_trained() {
            self.predictors.go_on_in(spaces.active());
            let usual = self.is_usual.get() && !self.predictors.is_trained();
            self.is_usual.set(usual);
        }
    }

    #[inline(always)]
    fn load_bases(&self, tcb: &Tcb) {
        clear_selectors();
        // SAFETY: the caller knows that the instructions are enabled. The core lets only canonical addresses
        // into these two registers; the kernel uses neither segment.
        unsafe {
            wrfsbase(tcb.context.get(Register::FsBase));
            wrgsbase(tcb.context.get(Register::GsBase));
        }
    }

    /// Writes a thread's state back if the processor holds it.
    pub(crate) fn release(&self, thread: TcbRef, tcb: &Tcb) {
        if self.loaded.get() == Some(thread) {
            self.save(tcb);
        }
    }
}

/// Resets the segment registers: a thread could otherwise read what the one before it left there.
#[inline(always)]
fn clear_selectors() {
    // SAFETY: the null selector is always allowed in these registers in 64-bit mode.
    unsafe {
        asm!(
            "mov ds, {0:e}", "mov es, {0:e}", "mov fs, {0:e}", "mov gs, {0:e}",
            in(reg) 0, options(nostack, preserves_flags)
        );
    }
}
