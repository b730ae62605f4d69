//! The gate reaches the timer chip and its output comes back.

use super::SystemControl;
use crate::{clock::Clock, device::Pit};

#[test]
fn gate_and_output_are_those_of_channel_2() {
    let clock = Clock::new(1_000_000, 0, 0);
    let (mut pit, mut port) = (Pit::new(), SystemControl::new());
    pit.write(0x43, 0xb0, &clock, 0);
    pit.write(0x42, 100, &clock, 0);
    pit.write(0x42, 0, &clock, 0);
    port.write(1, &mut pit, 0);
    assert_eq!(port.read(&pit, &clock, 10) & 0x21, 0x01);
    assert_eq!(port.read(&pit, &clock, 1_000_000) & 0x21, 0x21);
}
