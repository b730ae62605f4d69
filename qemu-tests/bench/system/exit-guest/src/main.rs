//! What exits to `vmm-partition` cost a guest: from the instruction to the next one, monitor and devices
//! included, in instructions under `-icount shift=0,sleep=off`.
//!
//! It runs as the guest of the system beside it. Each figure is the least of many rounds, less what reading
//! the counter costs: a timer's tick in one of them does not show.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::arch::x86_64::__cpuid;
use core::fmt::Write;

use test_support::bare::{Serial, select_io_apic_register, write_port8};
use test_support::cpu::ticks;

/// Rounds of a measurement.
const ROUNDS: usize = 64;
/// The scratch register of the first serial port: a register of a device, and of no effect.
const SERIAL_SCRATCH: u16 = 0x3ff;
/// A leaf with the processor's name.
const LEAF: u32 = 0x8000_0002;

test_support::guest!(main);

fn main() {
    report("guest-cpuid", || {
        core::hint::black_box(__cpuid(LEAF));
    });
    report("guest-port-write", || write_port8(SERIAL_SCRATCH, 0));
    report("guest-device-write", || select_io_apic_register(0));
}

/// Prints a figure on a line of its own.
fn report(name: &str, exit: impl Fn()) {
    let instructions = least(exit).saturating_sub(least(|| ()));
    // The line takes everything.
    let _ = writeln!(Serial, "\nfigure {name} {instructions} instructions");
}

fn least(exit: impl Fn()) -> u64 {
    let rounds = (0..ROUNDS).map(|_| {
        let start = ticks();
        exit();
        ticks() - start
    });
    rounds.min().unwrap_or(0)
}
