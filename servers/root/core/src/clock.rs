//! The date, read once from the battery-backed clock, for components that are told the time of boot.
//!
//! Registers of the MC146818: seconds 0, minutes 2, hours 4, day 7, month 8, year 9, status A (10) with the
//! update flag in bit 7, status B (11) with binary mode in bit 2 and 24-hour mode in bit 1. The clock is taken to run in UTC.

use crate::{BuildError, Kernel, Slot, error::Naming, working_slots::WorkingSlots};

const INDEX_PORT: u16 = 0x70;
const DATA_PORT: u16 = 0x71;
const STATUS_A: u8 = 10;
const STATUS_B: u8 = 11;
const UPDATING: u8 = 1 << 7;
const BINARY: u8 = 1 << 2;
const HOURS_24: u8 = 1 << 1;
const AFTERNOON: u8 = 1 << 7;
/// Seconds, minutes, hours, day, month, year of the century.
const REGISTERS: [u8; 6] = [0, 2, 4, 7, 8, 9];
/// An update takes 2 ms; a port access about one microsecond.
const PATIENCE: usize = 10_000;

/// Seconds since 1970; 0 if the clock does not answer sensibly.
pub(crate) fn unix_seconds(
    kernel: &mut impl Kernel,
    slots: &mut WorkingSlots,
) -> Result<u64, BuildError> {
    let ports = Slot::Working(slots.take(1)?);
    kernel
        .issue_ports(INDEX_PORT, DATA_PORT, ports)
        .naming("the clock", "cannot be reached")?;
    let mut clock = Clock { kernel, ports };
    let seconds = clock.read_steadily()?.and_then(seconds_since_1970);
    kernel
        .delete(ports)
        .naming("the clock", "cannot be given up")?;
    Ok(seconds.unwrap_or(0))
}

/// Nanoseconds since 1970 when the time-stamp counter stood at zero, which stands at `ticks` while a clock shows `seconds`.
/// It shows whole ones, so some half second more has passed. 0 if it shows none.
pub(crate) fn unix_at_zero(seconds: u64, ticks: u64, tsc_khz: u64) -> u64 {
    if seconds == 0 {
        return 0;
    }
    let now = u128::from(seconds) * 1_000_000_000 + 500_000_000;
    let passed = u128::from(ticks) * 1_000_000 / u128::from(tsc_khz.max(1));
    u64::try_from(now.saturating_sub(passed)).unwrap_or(0)
}

struct Clock<'a, K> {
    kernel: &'a mut K,
    ports: Slot,
}

impl<K: Kernel> Clock<'_, K> {
    /// The registers as binary numbers, read twice with the same result outside of updates.
    fn read_steadily(&mut self) -> Result<Option<[u8; 6]>, BuildError> {
        let mode = self.register(STATUS_B)?;
        let mut before = None;
        for _ in 0..PATIENCE {
            if self.register(STATUS_A)? & UPDATING != 0 {
                continue;
            }
            let now = self.read()?;
            if before == Some(now) {
                return Ok(decode(now, mode));
            }
            before = Some(now);
        }
        Ok(None)
    }

    fn read(&mut self) -> Result<[u8; 6], BuildError> {
        let mut values = [0; 6];
        for (value, register) in values.iter_mut().zip(REGISTERS) {
            *value = self.register(register)?;
        }
        Ok(values)
    }

    fn register(&mut self, register: u8) -> Result<u8, BuildError> {
        self.kernel
            .port_out8(self.ports, INDEX_PORT, register)
            .and_then(|()| self.kernel.port_in8(self.ports, DATA_PORT))
            .naming("the clock", "cannot be read")
    }
}

/// Binary numbers and 24 hours out of whatever mode the clock is in; `None` for what is no number.
fn decode(raw: [u8; 6], mode: u8) -> Option<[u8; 6]> {
    let is_afternoon = mode & HOURS_24 == 0 && raw[2] & AFTERNOON != 0;
    let mut values = raw;
    if mode & HOURS_24 == 0 {
        values[2] &= !AFTERNOON;
    }
    if mode & BINARY == 0 {
        for value in &mut values {
            let (tens, ones) = (*value >> 4, *value & 0xf);
            if tens > 9 || ones > 9 {
                return None;
            }
            *value = tens * 10 + ones;
        }
    }
    if mode & HOURS_24 == 0 {
        // 12 stands for 0 in both halves of the day.
        values[2] = values[2] % 12 + if is_afternoon { 12 } else { 0 };
    }
    Some(values)
}

/// Seconds since 1970 of a time in this century; `None` for what is no date.
fn seconds_since_1970([second, minute, hour, day, month, year]: [u8; 6]) -> Option<u64> {
    let possible = second < 60
        && minute < 60
        && hour < 24
        && (1..=31).contains(&day)
        && (1..=12).contains(&month)
        && year < 100;
    if !possible {
        return None;
    }
    let year = 2000 + u64::from(year);
    // Years that begin in March end with the leap day.
    let (year, month) = match u64::from(month) {
        month @ 1..=2 => (year - 1, month + 9),
        month => (year, month - 3),
    };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + u64::from(day)
            - 1;
    // From 1 March of year 0 to 1 January 1970.
    let days = days.checked_sub(719_468)?;
    Some(((days * 24 + u64::from(hour)) * 60 + u64::from(minute)) * 60 + u64::from(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_seconds() {
        // `date -u -d '2026-11-22 02:05:06' +%s`
        assert_eq!(
            seconds_since_1970([6, 5, 2, 22, 11, 26]),
            Some(1_795_313_106)
        );
        // `date -u -d '2024-02-29 23:59:59' +%s`
        assert_eq!(
            seconds_since_1970([59, 59, 23, 29, 2, 24]),
            Some(1_709_251_199)
        );
        // `date -u -d '2000-01-01' +%s`
        assert_eq!(seconds_since_1970([0, 0, 0, 1, 1, 0]), Some(946_684_800));
        assert_eq!(seconds_since_1970([0, 0, 0, 0, 1, 0]), None);
    }

    #[test]
    fn the_date_goes_back_to_the_counters_zero() {
        // Twenty seconds at 2.5 GHz.
        let zero = unix_at_zero(1_795_313_106, 50_000_000_000, 2_500_000);
        assert_eq!(zero, 1_795_313_086_500_000_000);
        assert_eq!(unix_at_zero(0, 50_000_000_000, 2_500_000), 0);
        assert_eq!(unix_at_zero(10, 50_000_000_000, 2_500_000), 0);
        assert_eq!(unix_at_zero(u64::MAX, 0, 0), 0);
    }

    #[test]
    fn every_mode_is_read() {
        let decimal = [0x59, 0x30, 0x23, 0x22, 0x11, 0x26];
        assert_eq!(decode(decimal, HOURS_24), Some([59, 30, 23, 22, 11, 26]));
        let binary = [59, 30, 11 | AFTERNOON, 22, 11, 26];
        assert_eq!(decode(binary, BINARY), Some([59, 30, 23, 22, 11, 26]));
        let midnight = [0, 0, 0x12, 1, 1, 0];
        assert_eq!(decode(midnight, 0), Some([0, 0, 0, 1, 1, 0]));
        assert_eq!(decode([0xff; 6], HOURS_24), None);
    }
}
