//! Measures against speculative attacks: `borders.s` has the code, boot chooses (`patch`), and here stands
//! the barrier between those who run.
//!
//! # When there is a barrier
//!
//! A guest runs whatever code it likes, and so can train the predictor of branches as it likes; a component
//! runs its own program. So the barrier stands between a guest's run and the next other address space than
//! its monitor's, or the next guest of another monitor. What lies in between may be any way through the
//! kernel; all of them change threads by [`crate::thread_state`], which asks [`Predictors::go_on_in`].

pub(crate) mod patch;

use core::cell::Cell;

use kernel_core::mitigation::measure;
use x86::msr::{IA32_EFER, rdmsr, wrmsr};

use crate::cpu::features::leaf;

/// From the text's first page to its second mapping: bits 14 and 20 of an address.
pub(crate) const ALIAS: u64 = 1 << 14 | 1 << 20;

/// Values of PRED_CMD.
const BARRIER: u32 = 1;
const SELECTIVE_BARRIER: u32 = 1 << 7;

/// No address space: anything that runs next is another one.
const NOBODY: u64 = 1;

unsafe extern "C" {
    safe fn predictor_barrier(command: u32) -> u32;
}

/// A leaf of CPUID: EAX, EBX, ECX, EDX.
pub(crate) fn cpuid(number: u32) -> [u32; 4] {
    const FEATURES: u32 = 0x8000_0021;
    const IBPB_BRTYPE: u32 = 1 << 28;
    let mut words = leaf(number);
    // Firmware of families 19h and above brings the barrier that forgets the types of branches and the one
    // that does not together, but need not say so: then a try tells.
    if number == FEATURES
        && words.eax & IBPB_BRTYPE == 0
        && leaf(1).eax >> 20 >= 0xa
        && predictor_barrier(SELECTIVE_BARRIER) != 0
    {
        words.eax |= IBPB_BRTYPE | IBPB_BRTYPE >> 1;
    }
    [words.eax, words.ebx, words.ecx, words.edx]
}

/// Sets the processor's own switches.
///
/// # Safety
/// The processor has what these measures ask for.
pub(crate) unsafe fn switch_on(on: u64) {
    // SPEC_CTRL, and DE_CFG, DE_CFG2 and BP_CFG of the core.
    let [control, decode, decode_2, branches] = [0x48, 0xc001_1029, 0xc001_10e3, 0xc001_102e];
    for (measure, register, bit) in [
        (measure::FENCE, decode, 1),
        (measure::VECTOR_FIX, decode, 9),
        (measure::NO_PHANTOMS, decode_2, 1),
        (measure::REDUCED_SPECULATION, branches, 4),
        (measure::AUTOMATIC_IBRS, IA32_EFER, 21),
        (measure::IBRS, control, 0),
        (measure::STIBP, control, 1),
        (measure::STORE_ORDER, control, 2),
    ] {
        if on & measure != 0 {
            // SAFETY: the caller promises that the bit exists; none of them changes what instructions do.
            unsafe { wrmsr(register, rdmsr(register) | 1 << bit) };
        }
    }
}

/// Who may have trained the predictor of branches.
pub(crate) struct Predictors {
    /// What the barrier writes; zero for no barrier.
    command: Cell<u32>,
    everywhere: Cell<bool>,
    /// The root of the address space whose training would matter to others; zero for none.
    trained_in: Cell<u64>,
}

impl Predictors {
    pub(crate) const fn new() -> Self {
        Self {
            command: Cell::new(0),
            everywhere: Cell::new(false),
            trained_in: Cell::new(0),
        }
    }

    /// Chooses the barrier.
    pub(crate) fn initialize(&self, on: u64) {
        if on & measure::BARRIER != 0 {
            let selective = usize::from(on & measure::SELECTIVE_BARRIER != 0);
            self.command.set([BARRIER, SELECTIVE_BARRIER][selective]);
            self.everywhere.set(on & measure::BARRIER_EVERYWHERE != 0);
            self.trained_in.set(NOBODY);
        }
    }

    /// Whether the next address space could need a barrier.
    #[inline(always)]
    pub(crate) fn is_trained(&self) -> bool {
        self.trained_in.get() != 0
    }

    /// The processor goes on in this address space.
    #[cold]
    pub(crate) fn go_on_in(&self, space: u64) {
        if self.is_trained() && self.trained_in.get() != space {
            predictor_barrier(self.command.get());
            let next = if self.everywhere.get() { space } else { 0 };
            self.trained_in.set(next);
        }
    }

    /// A guest of this address space runs.
    #[inline(always)]
    pub(crate) fn run_guest_of(&self, space: u64) {
        if self.command.get() != 0 {
            self.go_on_in(space);
            let trained = if self.everywhere.get() { NOBODY } else { space };
            self.trained_in.set(trained);
        }
    }
}
