//! Power-off and the timer.

use super::{PowerManagement, Request};
use crate::clock::Clock;

#[test]
fn s5_switches_off_and_other_states_do_not() {
    let mut power = PowerManagement::new();
    assert_eq!(power.write(4, 5 << 10), None);
    assert_eq!(power.write(4, (3 << 10) | (1 << 13)), None);
    assert_eq!(
        power.write(4, (5 << 10) | (1 << 13)),
        Some(Request::PowerOff)
    );
}

#[test]
fn the_timer_runs_at_its_frequency_and_acpi_is_on() {
    let power = PowerManagement::new();
    let clock = Clock::new(1_000_000, 0, 0);
    assert_eq!(power.read(8, &clock, 1_000_000_000), 3_579_545);
    assert_eq!(power.read(4, &clock, 0) & 1, 1);
}
