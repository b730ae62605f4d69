//! The date as registers show it.

use super::{
    registers::{
        CENTURY, DAY, HOURS, MINUTES, MONTH, SECONDS, STATUS_A, STATUS_A_VALUE, STATUS_B,
        STATUS_B_VALUE, STATUS_C, STATUS_D, STATUS_D_VALUE, WEEKDAY, YEAR,
    },
    state::Rtc,
};
use crate::{clock::Clock, number::low_u8};

impl Rtc {
    /// Port 0x70: selects a register.
    pub(crate) fn select(&mut self, value: u8) {
        self.index = value & 0x7f;
    }

    /// Port 0x71: reads the selected register.
    pub(crate) fn read(&self, clock: &Clock, now: u64) -> u8 {
        let seconds = clock.unix_seconds(now);
        let date = Date::of(seconds / 86_400);
        match self.index {
            SECONDS => bcd(seconds % 60),
            MINUTES => bcd(seconds / 60 % 60),
            HOURS => bcd(seconds / 3600 % 24),
            WEEKDAY => bcd((seconds / 86_400 + 4) % 7 + 1),
            DAY => bcd(date.day),
            MONTH => bcd(date.month),
            YEAR => bcd(date.year % 100),
            CENTURY => bcd(date.year / 100 % 100),
            STATUS_A => STATUS_A_VALUE,
            STATUS_B => STATUS_B_VALUE,
            STATUS_C => 0,
            STATUS_D => STATUS_D_VALUE,
            index => self.ram.get(usize::from(index)).copied().unwrap_or(0),
        }
    }

    /// Port 0x71: writes the selected register; the time itself stays as it is.
    pub(crate) fn write(&mut self, value: u8) {
        if let Some(byte) = self.ram.get_mut(usize::from(self.index)) {
            *byte = value;
        }
    }
}

/// A day of the Gregorian calendar.
pub(super) struct Date {
    pub(super) year: u64,
    pub(super) month: u64,
    pub(super) day: u64,
}

impl Date {
    /// The day that comes `days` after 1970-01-01. Years are counted from March, so that the leap
    /// day is a year's last; 400 years have 146,097 days.
    pub(super) fn of(days: u64) -> Self {
        let days = days.saturating_add(719_468);
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
        }
    }
}

/// Two decimal digits in one byte.
fn bcd(value: u64) -> u8 {
    low_u8((value / 10 % 10) << 4 | (value % 10))
}
