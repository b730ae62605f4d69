//! The clock (TSC) and the timer (local APIC).

use core::cell::Cell;

use x86::io::{inb, outb};

use crate::apic::local;
use crate::cpu::features::{Features, leaf};

/// The clock's and timer's parameters.
pub(crate) struct Time {
    ticks_per_us: Cell<u64>,
    /// Timer ticks in a clock tick, times 2^32.
    timer_ratio: Cell<u64>,
    tsc_deadline: Cell<bool>,
    /// When the timer comes; zero if it has come.
    armed: Cell<u64>,
}

/// Frequencies in Hz.
struct Frequencies {
    tsc: u64,
    timer: u64,
}

impl Time {
    pub(crate) const fn new() -> Self {
        Self {
            ticks_per_us: Cell::new(1),
            timer_ratio: Cell::new(0),
            tsc_deadline: Cell::new(false),
            armed: Cell::new(0),
        }
    }

    /// Measures the clock and starts the timer.
    pub(crate) fn initialize(&self, features: &Features) {
        let measured = measure();
        let tsc = told_by_hypervisor().unwrap_or(measured.tsc);
        self.ticks_per_us.set((tsc + 500_000) / 1_000_000);
        // At most one: were the timer the faster one, its interrupts would come early.
        let ratio = (measured.timer << 32) / measured.tsc;
        self.timer_ratio.set(ratio.min(1 << 32));
        self.tsc_deadline.set(features.tsc_deadline);
        if features.tsc_deadline {
            local::enable_tsc_deadline();
        } else {
            local::enable_one_shot();
        }
    }

    /// Ticks in a microsecond.
    #[inline(always)]
    pub(crate) fn ticks_per_us(&self) -> u64 {
        self.ticks_per_us.get()
    }

    /// Asks for an interrupt at a time or before. Threads that take turns have deadlines that move on with
    /// each turn: setting the timer, which costs a write to a device, can wait until it comes too early. Should
    /// one ever fail to come, the next ask sets it anew.
    #[inline(always)]
    pub(crate) fn set_timer(&self, deadline: u64, now: u64) {
        /// Keeps the product below within 64 bits: the ratio is at most one.
        const FARTHEST: u64 = (1 << 32) - 1;
        let armed = self.armed.get();
        if now < armed && armed <= deadline {
            return;
        }
        self.armed.set(deadline);
        if self.tsc_deadline.get() {
            local::set_tsc_deadline(deadline);
            return;
        }
        let ticks = deadline.saturating_sub(now).min(FARTHEST);
        let count = (ticks * self.timer_ratio.get()) >> 32;
        // Rounded up, so that the deadline has passed when the interrupt comes.
        local::set_one_shot(u32::try_from(count + 1).unwrap_or(u32::MAX));
    }

    /// The timer has come, and must be set anew.
    pub(crate) fn timer_came(&self) {
        self.armed.set(0);
    }
}

/// The clock.
#[inline(always)]
pub(crate) fn now() -> u64 {
    // SAFETY: CR4.TSD is clear, and reading the clock has no effect.
    unsafe { x86::time::rdtsc() }
}

/// The TSC's frequency as a hypervisor states it (leaf 0x40000010: kHz).
fn told_by_hypervisor() -> Option<u64> {
    const PRESENT: u32 = 1 << 31;
    const LAST_LEAF: u32 = 0x4000_0000;
    const FREQUENCY_LEAF: u32 = 0x4000_0010;
    if leaf(1).ecx & PRESENT == 0
        || core::arch::x86_64::__cpuid_count(LAST_LEAF, 0).eax < FREQUENCY_LEAF
    {
        return None;
    }
    let khz = u64::from(core::arch::x86_64::__cpuid_count(FREQUENCY_LEAF, 0).eax);
    (khz > 100_000).then_some(khz * 1000)
}

/// One look at the three counters at nearly the same time.
#[derive(Default)]
struct Sample {
    tsc: u64,
    timer: u32,
    pit: u16,
}

/// Compares the TSC and the timer with counter 2 of the PIT, which runs at 1.193182 MHz on every PC.
fn measure() -> Frequencies {
    const PIT_HZ: u64 = 1_193_182;
    const PIT_TICKS: u16 = 24_000;
    let (first, last) = loop {
        local::start_masked_timer(u32::MAX);
        start_pit();
        let first = sample();
        let mut last = sample();
        while first.pit.wrapping_sub(last.pit) < PIT_TICKS {
            last = sample();
        }
        // An emulator on a busy host may pause for so long that the counter runs out: then once more. SAFETY:
        // reading the port changes nothing.
        if unsafe { inb(GATE) } & COUNTER_2_IS_OUT == 0 {
            break (first, last);
        }
    };
    let pit_ticks = u64::from(first.pit - last.pit);
    let hertz = |ticks: u64| ticks * PIT_HZ / pit_ticks;
    Frequencies {
        tsc: hertz(last.tsc - first.tsc),
        timer: hertz(u64::from(first.timer - last.timer)).max(1),
    }
}

/// The port that gates counter 2, and shows whether it has been at zero (its output, in mode 0).
const GATE: u16 = 0x61;
const COUNTER_2_IS_OUT: u8 = 1 << 5;

/// Lets counter 2 run down from 65535 with the speaker off.
fn start_pit() {
    // SAFETY: nobody else uses the PIT while the kernel boots.
    unsafe {
        outb(GATE, inb(GATE) & !2 | 1);
        // Counter 2, low byte then high byte, mode 0.
        outb(0x43, 0xb0);
        outb(0x42, 0xff);
        outb(0x42, 0xff);
    }
}

/// The tightest of several looks: an emulator or a system management interrupt may pause this core between
/// two reads.
fn sample() -> Sample {
    let mut best = (u64::MAX, Sample::default());
    for _ in 0..8 {
        let before = now();
        let timer = local::timer_count();
        // SAFETY: as in `start_pit`; latches the counter and reads it.
        let pit = unsafe {
            outb(0x43, 0x80);
            u16::from_le_bytes([inb(0x42), inb(0x42)])
        };
        let spread = now() - before;
        if spread < best.0 {
            let tsc = before + spread / 2;
            best = (spread, Sample { tsc, timer, pit });
        }
    }
    best.1
}
