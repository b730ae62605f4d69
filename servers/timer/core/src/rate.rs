//! From ticks of the time-stamp counter to ticks of the HPET.

/// How the two counters advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    tsc_khz: u64,
    period_fs: u64,
}

/// Femtoseconds in a millisecond.
const FS_PER_MS: u128 = 1_000_000_000_000;

impl Rate {
    /// The longest sleep, in ticks of the HPET: far below half the range of a 32-bit comparator,
    /// so that "already past" and "still ahead" cannot be confused.
    pub const LONGEST: u64 = 1 << 30;

    /// A time-stamp counter of `tsc_khz` ticks a millisecond and an HPET whose ticks last `period_fs`
    /// femtoseconds. Zeroes are taken as ones.
    #[must_use]
    pub const fn new(tsc_khz: u64, period_fs: u64) -> Self {
        Self {
            tsc_khz: if tsc_khz == 0 { 1 } else { tsc_khz },
            period_fs: if period_fs == 0 { 1 } else { period_fs },
        }
    }

    /// Ticks of the HPET in which `tsc_ticks` pass, rounded up, from 1 to [`Rate::LONGEST`].
    #[must_use]
    pub fn hpet_ticks(&self, tsc_ticks: u64) -> u64 {
        let divisor = u128::from(self.tsc_khz) * u128::from(self.period_fs);
        let ticks = (u128::from(tsc_ticks) * FS_PER_MS).div_ceil(divisor);
        u64::try_from(ticks).map_or(Self::LONGEST, |ticks| ticks.clamp(1, Self::LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_millisecond_is_a_millisecond() {
        // QEMU: 1 GHz and 100 MHz.
        let rate = Rate::new(1_000_000, 10_000_000);
        assert_eq!(rate.hpet_ticks(1_000_000), 100_000);
        assert_eq!(rate.hpet_ticks(1), 1);
        assert_eq!(rate.hpet_ticks(0), 1);
        assert_eq!(rate.hpet_ticks(u64::MAX), Rate::LONGEST);
    }

    proptest! {
        /// Never shorter than asked, and less than one tick longer.
        #[test]
        fn rounding_is_up(
            tsc_ticks in 1u64..1_000_000_000,
            tsc_khz in 100_000u64..6_000_000,
            period_fs in 1_000_000u64..100_000_000,
        ) {
            let ticks = Rate::new(tsc_khz, period_fs).hpet_ticks(tsc_ticks);
            let asked = u128::from(tsc_ticks) * FS_PER_MS;
            let given = |ticks: u64| u128::from(ticks) * u128::from(period_fs) * u128::from(tsc_khz);
            prop_assert!(given(ticks) >= asked || ticks == Rate::LONGEST);
            prop_assert!(given(ticks - 1) < asked);
        }
    }
}
