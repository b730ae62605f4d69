//! Time as every component sees it: the processor's time-stamp counter.

use core::{
    ops::{Add, Sub},
    time::Duration,
};

/// A moment, or a span, in ticks of the time-stamp counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticks(pub u64);

/// The time-stamp counter and its rate. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    tsc_khz: u64,
}

impl Clock {
    /// A clock whose counter makes `tsc_khz` ticks in a millisecond; 0 is taken as 1.
    #[must_use]
    pub const fn new(tsc_khz: u64) -> Self {
        let tsc_khz = if tsc_khz == 0 { 1 } else { tsc_khz };
        Self { tsc_khz }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Ticks {
        // SAFETY: every x86-64 processor has the instruction, and the kernel leaves it to users.
        Ticks(unsafe { core::arch::x86_64::_rdtsc() })
    }

    /// Ticks in a millisecond.
    #[must_use]
    pub const fn tsc_khz(&self) -> u64 {
        self.tsc_khz
    }

    /// How many ticks `span` takes, rounded up; at most `u64::MAX`.
    #[must_use]
    pub fn ticks(&self, span: Duration) -> Ticks {
        let ticks = (span.as_nanos().saturating_mul(u128::from(self.tsc_khz))).div_ceil(1_000_000);
        Ticks(u64::try_from(ticks).unwrap_or(u64::MAX))
    }

    /// How long `ticks` take, rounded down to nanoseconds.
    #[must_use]
    pub fn duration(&self, ticks: Ticks) -> Duration {
        let nanoseconds = u128::from(ticks.0) * 1_000_000 / u128::from(self.tsc_khz);
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// The moment that lies `span` from now.
    #[must_use]
    pub fn after(&self, span: Duration) -> Ticks {
        self.now() + self.ticks(span)
    }
}

impl Add for Ticks {
    type Output = Self;

    /// Saturates: a moment that cannot be reached is never reached.
    fn add(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub for Ticks {
    type Output = Self;

    /// Saturates: what lies ahead is zero ago.
    fn sub(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_convert_both_ways() {
        let clock = Clock::new(2_500_000);
        assert_eq!(clock.ticks(Duration::from_micros(3)), Ticks(7_500));
        assert_eq!(clock.ticks(Duration::from_nanos(1)), Ticks(3));
        assert_eq!(clock.ticks(Duration::MAX), Ticks(u64::MAX));
        assert_eq!(clock.duration(Ticks(7_500)), Duration::from_micros(3));
        assert_eq!(Clock::new(0).duration(Ticks(2)), Duration::from_millis(2));
    }

    #[test]
    fn moments_do_not_wrap() {
        assert_eq!(Ticks(u64::MAX) + Ticks(1), Ticks(u64::MAX));
        assert_eq!(Ticks(1) - Ticks(2), Ticks(0));
    }
}
