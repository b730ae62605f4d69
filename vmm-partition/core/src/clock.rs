//! Conversions between the time stamp counter and other clocks.

use crate::number::low_u32;

/// Nanoseconds in a second.
pub(crate) const NS_PER_SECOND: u64 = 1_000_000_000;

/// The guest's notion of time: its TSC is the host's, and the wall clock is that at `boot_ticks`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    tsc_khz: u64,
    boot_ticks: u64,
    boot_unix_ns: u64,
}

impl Clock {
    /// A clock whose wall time was `boot_unix_ns` (since 1970) when the TSC stood at `boot_ticks`.
    pub(crate) fn new(tsc_khz: u64, boot_ticks: u64, boot_unix_ns: u64) -> Self {
        Self {
            tsc_khz: tsc_khz.max(1),
            boot_ticks,
            boot_unix_ns,
        }
    }

    /// TSC at boot.
    pub(crate) fn boot_ticks(&self) -> u64 {
        self.boot_ticks
    }

    /// Ticks that pass while a counter of `frequency_hz` advances by `count`, rounded up.
    pub(crate) fn ticks_of(&self, count: u64, frequency_hz: u64) -> u64 {
        let product = u128::from(count) * u128::from(self.tsc_khz) * 1000;
        u64::try_from(product.div_ceil(u128::from(frequency_hz.max(1)))).unwrap_or(u64::MAX)
    }

    /// How far a counter of `frequency_hz` advances in `ticks`.
    pub(crate) fn count_of(&self, ticks: u64, frequency_hz: u64) -> u64 {
        let product = u128::from(ticks) * u128::from(frequency_hz);
        u64::try_from(product / (u128::from(self.tsc_khz) * 1000)).unwrap_or(u64::MAX)
    }

    /// Seconds since 1970 when the TSC stands at `now`.
    pub(crate) fn unix_seconds(&self, now: u64) -> u64 {
        self.unix_ns(now) / NS_PER_SECOND
    }

    /// Nanoseconds since 1970 when the TSC stands at `now`.
    pub(crate) fn unix_ns(&self, now: u64) -> u64 {
        let elapsed = self.count_of(now.saturating_sub(self.boot_ticks), NS_PER_SECOND);
        self.boot_unix_ns.saturating_add(elapsed)
    }

    /// Multiplier and shift with which kvmclock turns ticks into nanoseconds:
    /// `ns = ((ticks << shift) * multiplier) >> 32`, a negative shift going right.
    pub(crate) fn scale(&self) -> (u32, i8) {
        let ticks_per_second = self.tsc_khz * 1000;
        let mut shift: i8 = 0;
        let mut numerator = NS_PER_SECOND;
        let mut denominator = ticks_per_second;
        while numerator >= denominator && shift < 31 {
            denominator <<= 1;
            shift += 1;
        }
        while numerator < denominator / 2 && shift > -31 {
            numerator <<= 1;
            shift -= 1;
        }
        let multiplier = (u128::from(numerator) << 32) / u128::from(denominator);
        (u64::try_from(multiplier).map_or(u32::MAX, low_u32), shift)
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    fn nanoseconds(clock: &Clock, ticks: u64) -> u128 {
        let (multiplier, shift) = clock.scale();
        let shifted = if shift >= 0 {
            u128::from(ticks) << shift
        } else {
            u128::from(ticks) >> shift.unsigned_abs()
        };
        (shifted * u128::from(multiplier)) >> 32
    }

    #[test]
    fn scale_is_right_within_a_millionth() {
        for khz in [100_000, 999_999, 1_000_000, 2_195_000, 3_700_123, 6_000_000] {
            let clock = Clock::new(khz, 0, 0);
            let measured = nanoseconds(&clock, khz * 1000 * 10);
            assert!(
                measured.abs_diff(10_000_000_000) < 10_000,
                "{khz}: {measured}"
            );
        }
    }

    #[test]
    fn counters_advance_with_the_wall_clock() {
        let clock = Clock::new(2_000_000, 500, 1_700_000_000 * 1_000_000_000);
        assert_eq!(clock.count_of(2_000_000_000, 3_579_545), 3_579_545);
        assert_eq!(clock.ticks_of(3_579_545, 3_579_545), 2_000_000_000);
        assert_eq!(clock.unix_seconds(500 + 20_000_000_000), 1_700_000_010);
    }
}
