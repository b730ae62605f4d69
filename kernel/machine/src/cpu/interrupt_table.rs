//! The interrupt descriptor table: every vector leads to its stub in `trap`.

use core::cell::Cell;

use x86::dtables::{DescriptorTablePointer, lidt};

use super::segments::{EmergencyStack, KERNEL_CODE};
use crate::single_core::SingleCore;
use crate::trap;

/// Vectors of note.
pub(crate) mod vector {
    /// Non-maskable interrupt.
    pub(crate) const NON_MASKABLE: u8 = 2;
    /// Breakpoint: the one exception that user programs may raise by an instruction.
    pub(crate) const BREAKPOINT: u8 = 3;
    /// Double fault.
    pub(crate) const DOUBLE_FAULT: u8 = 8;
    /// Page fault.
    pub(crate) const PAGE_FAULT: u8 = 14;
    /// Machine check.
    pub(crate) const MACHINE_CHECK: u8 = 18;
    /// First interrupt.
    pub(crate) const FIRST_INTERRUPT: u8 = 32;
    /// The local APIC's timer.
    pub(crate) const TIMER: u8 = 0x9e;
    /// First vector that user programs may raise by an instruction; none of them means anything.
    pub(crate) const FIRST_SOFTWARE: u8 = 160;
    /// Last vector that user programs may raise.
    pub(crate) const LAST_SOFTWARE: u8 = 254;
    /// The local APIC's spurious interrupt.
    pub(crate) const SPURIOUS: u8 = 255;
}

static GATES: SingleCore<[[Cell<u64>; 2]; 256]> =
    SingleCore::new([const { [const { Cell::new(0) }; 2] }; 256]);

/// Fills and loads the table.
///
/// # Safety
/// Called once at boot, after the segments are loaded.
pub(crate) unsafe fn initialize() {
    for number in 0..=u8::MAX {
        let stack = match number {
            vector::NON_MASKABLE => EmergencyStack::NonMaskable as u64,
            vector::DOUBLE_FAULT => EmergencyStack::DoubleFault as u64,
            vector::MACHINE_CHECK => EmergencyStack::MachineCheck as u64,
            _ => 0,
        };
        let for_user = number == vector::BREAKPOINT
            || (vector::FIRST_SOFTWARE..=vector::LAST_SOFTWARE).contains(&number);
        let privilege = if for_user { 3 } else { 0 };
        let handler = trap::stub(number);
        // A present interrupt gate: type 14.
        let low = handler & 0xffff
            | u64::from(KERNEL_CODE) << 16
            | stack << 32
            | 14 << 40
            | privilege << 45
            | 1 << 47
            | (handler >> 16 & 0xffff) << 48;
        let [low_half, high_half] = &GATES[usize::from(number)];
        low_half.set(low);
        high_half.set(handler >> 32);
    }
    // SAFETY: the table is a static and complete; its stubs run with interrupts off on valid stacks.
    unsafe { lidt(&DescriptorTablePointer::new(&*GATES)) };
}
