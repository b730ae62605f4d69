//! The local APIC in xAPIC mode (AMD64 manual 2, chapter 16).

use x86::msr::{IA32_APIC_BASE, IA32_TSC_DEADLINE, rdmsr, wrmsr};

use super::LOCAL_APIC_WINDOW;
use crate::cpu::interrupt_table::vector;

#[derive(Clone, Copy)]
#[repr(u64)]
enum Register {
    TaskPriority = 0x80,
    EndOfInterrupt = 0xb0,
    Spurious = 0xf0,
    InterruptRequest = 0x200,
    TimerVector = 0x320,
    LineVector0 = 0x350,
    LineVector1 = 0x360,
    ErrorVector = 0x370,
    TimerInitial = 0x380,
    TimerCurrent = 0x390,
    TimerDivide = 0x3e0,
}

const BASE_ENABLE: u64 = 1 << 11;
const BASE_X2APIC: u64 = 1 << 10;
const SOFTWARE_ENABLE: u32 = 1 << 8;
const MASKED: u32 = 1 << 16;
const TIMER_TSC_DEADLINE: u32 = 2 << 17;
const DIVIDE_BY_1: u32 = 0b1011;

fn read(register: Register) -> u32 {
    // SAFETY: see the soundness paragraph of `apic`.
    unsafe { ((LOCAL_APIC_WINDOW + register as u64) as *const u32).read_volatile() }
}

fn write(register: Register, value: u32) {
    // SAFETY: see the soundness paragraph of `apic`.
    unsafe { ((LOCAL_APIC_WINDOW + register as u64) as *mut u32).write_volatile(value) }
}

/// Switches the local APIC on, its timer stopped.
///
/// # Safety
/// The window is mapped, and every vector has a gate.
pub(crate) unsafe fn initialize() {
    // SAFETY: the base address stays as it is; firmware may have left x2APIC mode, whose only way out
    // is to switch the APIC off first.
    unsafe {
        let base = rdmsr(IA32_APIC_BASE);
        if base & BASE_X2APIC != 0 {
            wrmsr(IA32_APIC_BASE, base & !(BASE_X2APIC | BASE_ENABLE));
        }
        wrmsr(IA32_APIC_BASE, base & !BASE_X2APIC | BASE_ENABLE);
    }
    write(Register::TaskPriority, 0);
    write(Register::LineVector0, MASKED);
    write(Register::LineVector1, MASKED);
    write(Register::ErrorVector, MASKED);
    write(Register::TimerVector, MASKED);
    write(Register::TimerDivide, DIVIDE_BY_1);
    write(
        Register::Spurious,
        SOFTWARE_ENABLE | u32::from(vector::SPURIOUS),
    );
}

/// Ends the interrupt in service.
pub(crate) fn end_of_interrupt() {
    write(Register::EndOfInterrupt, 0);
}

/// Whether any interrupt waits to be taken.
#[inline(never)]
pub(crate) fn is_interrupt_pending() -> bool {
    (0..8_u64).any(|word| {
        let address = LOCAL_APIC_WINDOW + Register::InterruptRequest as u64 + 16 * word;
        // SAFETY: see the soundness paragraph of `apic`.
        unsafe { (address as *const u32).read_volatile() != 0 }
    })
}

/// Lets the timer count down once from `ticks`, without an interrupt: for measuring its frequency.
pub(crate) fn start_masked_timer(ticks: u32) {
    write(Register::TimerInitial, ticks);
}

/// What the timer has left.
pub(crate) fn timer_count() -> u32 {
    read(Register::TimerCurrent)
}

/// Lets the timer interrupt, in the mode that counts down.
pub(crate) fn enable_one_shot() {
    write(Register::TimerInitial, 0);
    write(Register::TimerVector, u32::from(vector::TIMER));
}

/// Lets the timer interrupt, in the mode that compares with the TSC.
pub(crate) fn enable_tsc_deadline() {
    write(
        Register::TimerVector,
        TIMER_TSC_DEADLINE | u32::from(vector::TIMER),
    );
}

/// One interrupt after this many ticks of the timer (at least one).
#[inline(always)]
pub(crate) fn set_one_shot(ticks: u32) {
    write(Register::TimerInitial, ticks);
}

/// One interrupt when the TSC reaches a value.
#[inline(always)]
pub(crate) fn set_tsc_deadline(tsc: u64) {
    // Zero would disarm the timer.
    // SAFETY: the mode is only chosen where the register exists; it affects nothing but the timer.
    unsafe { wrmsr(IA32_TSC_DEADLINE, tsc.max(1)) };
}
