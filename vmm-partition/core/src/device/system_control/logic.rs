//! Reads and writes.

use super::{
    registers::{GATE_2, OUTPUT_2, REFRESH, WRITABLE},
    state::SystemControl,
};
use crate::{clock::Clock, device::Pit};

impl SystemControl {
    /// Reads the port.
    pub(crate) fn read(&mut self, pit: &Pit, clock: &Clock, now: u64) -> u8 {
        self.refresh = !self.refresh;
        let refresh = if self.refresh { REFRESH } else { 0 };
        let output = if pit.output_2(clock, now) {
            OUTPUT_2
        } else {
            0
        };
        self.written | refresh | output
    }

    /// Writes the port.
    pub(crate) fn write(&mut self, value: u8, pit: &mut Pit, now: u64) {
        self.written = value & WRITABLE;
        pit.set_gate(value & GATE_2 != 0, now);
    }
}
