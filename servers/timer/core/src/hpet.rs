//! The high precision event timer, as far as one one-shot interrupt needs it.
//!
//! Register names and offsets: IA-PC HPET Specification 1.0a, section 2.3.

use core::fmt;

use mmio::{Register, Registers};
use shared_memory::AccessError;

/// General Capabilities and ID: bits 63:32 period in femtoseconds, 12:8 last timer, 13 64-bit counter.
const CAPABILITIES: usize = 0x00;
/// General Configuration: bit 0 runs the counter, bit 1 takes over the legacy interrupts.
const CONFIGURATION: usize = 0x10;
const CONFIGURATION_ENABLE: u64 = 1;
/// Main counter.
const COUNTER: usize = 0xf0;
/// First of the timers' register groups, and their distance.
const TIMERS: usize = 0x100;
const TIMER_STRIDE: usize = 0x20;
/// Timer n Configuration and Capabilities: 2 interrupt enable, 8 force 32-bit, 13:9 route,
/// 63:32 possible routes; all other bits 0 mean edge-triggered, one-shot, through the I/O APIC.
const TIMER_CONFIGURATION: usize = 0x00;
const TIMER_ENABLE: u64 = 1 << 2;
const TIMER_32_BIT: u64 = 1 << 8;
const TIMER_ROUTE_SHIFT: u64 = 9;
const TIMER_ROUTES_SHIFT: u64 = 32;
/// Timer n Comparator.
const TIMER_COMPARATOR: usize = 0x08;
/// The specification's limit of the period: 100 nanoseconds.
const PERIOD_MAX_FS: u64 = 100_000_000;

/// An HPET with one of its timers in use.
///
/// Counter and comparator are used as 32-bit numbers, which every HPET has; sleeps are shorter
/// than half of their range ([`Rate::LONGEST`](crate::Rate::LONGEST)).
#[derive(Clone, Copy, Debug)]
pub struct Hpet {
    period_fs: u64,
    counter: Register<u32>,
    comparator: Register<u32>,
}

/// Whether the interrupt will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Armed {
    /// It will come.
    Ahead,
    /// The time passed while the comparator was set: the interrupt may or may not come.
    Passed,
}

/// Why an HPET cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HpetError {
    /// The registers are fewer than an HPET has.
    Truncated,
    /// What it says about its period is outside the specification: it is no HPET.
    NoHpet,
    /// None of its timers can interrupt through that input of the I/O APIC.
    NoRoute,
}

impl Hpet {
    /// Sets up the first timer that can interrupt through input `pin` of the I/O APIC.
    ///
    /// # Errors
    ///
    /// There is no such timer, or no HPET.
    pub fn new(registers: &Registers, pin: u64) -> Result<Self, HpetError> {
        let capabilities = registers.register::<u64>(CAPABILITIES)?.read();
        let period_fs = capabilities >> 32;
        if period_fs == 0 || period_fs > PERIOD_MAX_FS {
            return Err(HpetError::NoHpet);
        }
        let last_timer = usize::from(capabilities.to_le_bytes()[1] & 0x1f);
        for number in 0..=last_timer {
            let timer = registers.part(TIMERS + number * TIMER_STRIDE, TIMER_STRIDE)?;
            let configuration = timer.register::<u64>(TIMER_CONFIGURATION)?;
            let routes = configuration.read() >> TIMER_ROUTES_SHIFT;
            if pin < 32 && routes & (1 << pin) != 0 {
                configuration.write(TIMER_ENABLE | TIMER_32_BIT | pin << TIMER_ROUTE_SHIFT);
                let hpet = Self {
                    period_fs,
                    counter: registers.register(COUNTER)?,
                    comparator: timer.register(TIMER_COMPARATOR)?,
                };
                registers
                    .register::<u64>(CONFIGURATION)?
                    .write(CONFIGURATION_ENABLE);
                return Ok(hpet);
            }
        }
        Err(HpetError::NoRoute)
    }

    /// How long a tick lasts, in femtoseconds.
    #[must_use]
    pub const fn period_fs(&self) -> u64 {
        self.period_fs
    }

    /// Asks for an interrupt in `ticks` ticks (at most [`Rate::LONGEST`](crate::Rate::LONGEST)); an
    /// earlier request is forgotten.
    #[must_use]
    pub fn arm(&self, ticks: u64) -> Armed {
        let ticks = ticks.min(crate::Rate::LONGEST) as u32;
        let target = self.counter.read().wrapping_add(ticks);
        self.comparator.write(target);
        // The interrupt comes when the two are equal. If the counter went past before the
        // comparator was written, that is a turn of the counter away.
        if is_ahead(self.counter.read(), target) {
            Armed::Ahead
        } else {
            Armed::Passed
        }
    }
}

/// Whether `target` lies ahead of `counter`, less than half a turn.
fn is_ahead(counter: u32, target: u32) -> bool {
    let distance = target.wrapping_sub(counter);
    distance != 0 && distance <= u32::MAX / 2
}

impl From<AccessError> for HpetError {
    fn from(_: AccessError) -> Self {
        Self::Truncated
    }
}

impl fmt::Display for HpetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the HPET has fewer registers than it must have",
            Self::NoHpet => "there is no HPET behind the registers",
            Self::NoRoute => {
                "no timer of the HPET can interrupt through the input that the manifest names"
            }
        })
    }
}

impl core::error::Error for HpetError {}

#[cfg(test)]
mod tests {
    use super::*;

    const QEMU_PERIOD_FS: u64 = 10_000_000;

    /// An HPET of three timers at rest, of which the last can use inputs 16 to 23.
    fn simulated() -> Registers {
        let registers = Registers::simulated(0x400);
        let set = |offset, word: u64| registers.register(offset).expect("inside").write(word);
        set(CAPABILITIES, QEMU_PERIOD_FS << 32 | 2 << 8);
        set(CONFIGURATION, 2);
        set(0x100, 1 << (32 + 2));
        set(0x120, 1 << (32 + 2));
        set(0x140, 0xff << (32 + 16));
        registers
    }

    fn read(registers: &Registers, offset: usize) -> u64 {
        registers.register::<u64>(offset).expect("inside").read()
    }

    #[test]
    fn the_timer_that_has_the_route_is_set_up() {
        let registers = simulated();
        let hpet = Hpet::new(&registers, 20).expect("the third timer can");
        assert_eq!(hpet.period_fs(), QEMU_PERIOD_FS);
        assert_eq!(read(&registers, 0x140), 1 << 2 | 1 << 8 | 20 << 9);
        // Running, without the legacy routes that firmware may have left on.
        assert_eq!(read(&registers, CONFIGURATION), 1);
        assert_eq!(Hpet::new(&simulated(), 5).err(), Some(HpetError::NoRoute));
        assert_eq!(Hpet::new(&simulated(), 64).err(), Some(HpetError::NoRoute));
    }

    #[test]
    fn what_is_no_hpet_is_refused() {
        let empty = Registers::simulated(0x400);
        assert_eq!(Hpet::new(&empty, 2).err(), Some(HpetError::NoHpet));
        let short = simulated().part(0, 0x140).expect("inside");
        assert_eq!(Hpet::new(&short, 20).err(), Some(HpetError::Truncated));
    }

    #[test]
    fn arming_sets_the_comparator_across_the_wrap() {
        let registers = simulated();
        let hpet = Hpet::new(&registers, 20).expect("the third timer can");
        let counter = registers.register::<u32>(COUNTER).expect("inside");
        counter.write(u32::MAX - 9);
        assert_eq!(hpet.arm(30), Armed::Ahead);
        assert_eq!(read(&registers, 0x148), 20);
        assert_eq!(hpet.arm(0), Armed::Passed);
    }

    #[test]
    fn half_a_turn_tells_ahead_from_past() {
        assert!(is_ahead(0, 1));
        assert!(is_ahead(u32::MAX, 0));
        assert!(is_ahead(5, 5 + u32::MAX / 2));
        assert!(!is_ahead(5, 5));
        assert!(!is_ahead(6, 5));
        assert!(!is_ahead(0, u32::MAX));
    }
}
