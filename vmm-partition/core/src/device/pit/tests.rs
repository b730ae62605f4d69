//! Calibration by channel 2, interrupts by channel 0.

use super::Pit;
use crate::clock::Clock;

/// One tick is one nanosecond.
fn clock() -> Clock {
    Clock::new(1_000_000, 0, 0)
}

#[test]
fn channel_2_rises_when_its_count_is_over() {
    let (clock, mut pit) = (clock(), Pit::new());
    pit.write(0x43, 0xb0, &clock, 0);
    pit.write(0x42, 0x9c, &clock, 0);
    pit.write(0x42, 0x2e, &clock, 0);
    pit.set_gate(true, 1000);
    let ten_ms = 1000 + 10_000_000;
    assert!(!pit.output_2(&clock, ten_ms - 5000));
    assert!(pit.output_2(&clock, ten_ms + 5000));
}

#[test]
fn channel_0_interrupts_periodically() {
    let (clock, mut pit) = (clock(), Pit::new());
    pit.write(0x43, 0x34, &clock, 0);
    pit.write(0x40, 0x9c, &clock, 0);
    pit.write(0x40, 0x2e, &clock, 0);
    let first = pit.next_deadline(&clock).unwrap_or(0);
    assert!(first.abs_diff(10_000_000) < 5000);
    assert!(!pit.poll(&clock, first - 1000));
    assert!(pit.poll(&clock, first));
    assert!(!pit.poll(&clock, first));
    assert!(pit.next_deadline(&clock) > Some(first));
}

#[test]
fn a_one_shot_interrupts_once() {
    let (clock, mut pit) = (clock(), Pit::new());
    pit.write(0x43, 0x30, &clock, 0);
    pit.write(0x40, 0x10, &clock, 0);
    pit.write(0x40, 0x00, &clock, 0);
    assert!(pit.poll(&clock, 1_000_000));
    assert_eq!(pit.next_deadline(&clock), None);
    assert!(!pit.poll(&clock, 2_000_000));
}

#[test]
fn a_latched_count_stands_still() {
    let (clock, mut pit) = (clock(), Pit::new());
    pit.write(0x43, 0x34, &clock, 0);
    pit.write(0x40, 0, &clock, 0);
    pit.write(0x40, 0, &clock, 0);
    pit.write(0x43, 0x00, &clock, 1_000_000);
    let low = pit.read(0x40, &clock, 9_000_000);
    let high = pit.read(0x40, &clock, 9_000_000);
    let count = u16::from_le_bytes([low, high]);
    assert_eq!(u32::from(count), 0x1_0000 - 1193);
}
