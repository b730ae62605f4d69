//! Reads and writes of any width.

use super::{
    registers::{
        ACPI_ON, CONTROL, ENABLE, SLEEP, SLEEP_TYPE_OFF, SLEEP_TYPE_SHIFT, STATUS, TIMER, TIMER_HZ,
    },
    state::{PowerManagement, Request},
};
use crate::{
    clock::Clock,
    number::{low_u16, low_u32},
};

impl PowerManagement {
    /// Reads at `offset` of the block; the caller takes as many bytes as it wants.
    pub(crate) fn read(&self, offset: u16, clock: &Clock, now: u64) -> u32 {
        match offset {
            // No event ever happens: there is no button, no wake, no timer interrupt.
            STATUS => u32::from(self.enable) << 16,
            ENABLE => u32::from(self.enable),
            CONTROL => u32::from(self.control | ACPI_ON),
            TIMER => low_u32(clock.count_of(now.saturating_sub(clock.boot_ticks()), TIMER_HZ)),
            _ => 0,
        }
    }

    /// Writes at `offset`.
    pub(crate) fn write(&mut self, offset: u16, value: u32) -> Option<Request> {
        let value = low_u16(u64::from(value));
        match offset {
            ENABLE => self.enable = value,
            CONTROL => {
                self.control = value & !SLEEP;
                let sleep_type = (value >> SLEEP_TYPE_SHIFT) & 7;
                if value & SLEEP != 0 && sleep_type == u16::from(SLEEP_TYPE_OFF) {
                    return Some(Request::PowerOff);
                }
            }
            _ => {}
        }
        None
    }
}
