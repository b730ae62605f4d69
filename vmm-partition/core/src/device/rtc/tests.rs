//! Dates against known ones.

use super::{Rtc, logic::Date};
use crate::clock::Clock;

#[test]
fn known_days_come_out_right() {
    for (days, expected) in [
        (0, (1970, 1, 1)),
        (11_016, (2000, 2, 29)),
        (11_017, (2000, 3, 1)),
        (20_779, (2026, 11, 22)),
        (47_540, (2100, 2, 28)),
        (47_541, (2100, 3, 1)),
    ] {
        let date = Date::of(days);
        assert_eq!((date.year, date.month, date.day), expected);
    }
}

#[test]
fn registers_show_the_date_in_bcd() {
    let mut rtc = Rtc::new();
    // 2026-11-22 13:45:59 UTC, a Sunday.
    let clock = Clock::new(
        1_000_000,
        0,
        (20_779 * 86_400 + 13 * 3600 + 45 * 60 + 59) * 1_000_000_000,
    );
    let mut read = |index| {
        rtc.select(index);
        rtc.read(&clock, 0)
    };
    assert_eq!([read(4), read(2), read(0)], [0x13, 0x45, 0x59]);
    assert_eq!(
        [read(0x32), read(9), read(8), read(7)],
        [0x20, 0x26, 0x11, 0x22]
    );
    assert_eq!(read(6), 1);
    assert_eq!(read(0x0d), 0x80);
}
