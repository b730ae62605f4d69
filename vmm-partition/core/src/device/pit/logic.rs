//! Counts as functions of the TSC.

use super::{
    registers::{CHANNEL_0, CHANNEL_2, CONTROL, FREQUENCY_HZ, READ_BACK},
    state::{Access, Byte, Channel, Pit},
};
use crate::{clock::Clock, number::low_u16};

impl Pit {
    /// Reads a port.
    pub(crate) fn read(&mut self, port: u16, clock: &Clock, now: u64) -> u8 {
        match self.channel_of(port) {
            Some(channel) => channel.read(clock, now),
            None => 0,
        }
    }

    /// Writes a port.
    pub(crate) fn write(&mut self, port: u16, value: u8, clock: &Clock, now: u64) {
        if port == CONTROL {
            self.control(value, clock, now);
        } else if let Some(channel) = self.channel_of(port) {
            let waits_for_gate = port == CHANNEL_2;
            channel.write(value, now);
            if waits_for_gate && !self.gate {
                self.channels[2].started = None;
            }
        }
    }

    /// Sets the gate of channel 2; its rise starts the count.
    pub(crate) fn set_gate(&mut self, gate: bool, now: u64) {
        if gate && !self.gate {
            self.channels[2].started = Some(now);
        } else if !gate {
            self.channels[2].started = None;
        }
        self.gate = gate;
    }

    /// Output of channel 2.
    pub(crate) fn output_2(&self, clock: &Clock, now: u64) -> bool {
        self.channels[2].output(clock, now)
    }

    /// Whether channel 0 raised its interrupt since the last time.
    pub(crate) fn poll(&mut self, clock: &Clock, now: u64) -> bool {
        let channel = &mut self.channels[0];
        let due = channel.periods_elapsed(clock, now);
        let raised = due > channel.periods_reported;
        channel.periods_reported = due;
        raised
    }

    /// TSC at which channel 0 raises its interrupt next.
    pub(crate) fn next_deadline(&self, clock: &Clock) -> Option<u64> {
        let channel = &self.channels[0];
        let next = channel.periods_reported + 1;
        if !channel.repeats() && channel.periods_reported > 0 {
            return None;
        }
        let counts = next.saturating_mul(channel.period());
        Some(
            channel
                .started?
                .saturating_add(clock.ticks_of(counts, FREQUENCY_HZ)),
        )
    }

    fn channel_of(&mut self, port: u16) -> Option<&mut Channel> {
        let index = port.checked_sub(CHANNEL_0).filter(|_| port <= CHANNEL_2)?;
        self.channels.get_mut(usize::from(index))
    }

    fn control(&mut self, value: u8, clock: &Clock, now: u64) {
        let selected = value >> 6;
        if selected == READ_BACK {
            for index in 0..3 {
                if value & (2 << index) != 0
                    && let Some(channel) = self.channels.get_mut(index)
                {
                    channel.read_back(value, clock, now);
                }
            }
        } else if let Some(channel) = self.channels.get_mut(usize::from(selected)) {
            channel.control(value, clock, now);
        }
    }
}

impl Channel {
    fn period(&self) -> u64 {
        match self.reload {
            0 => 0x1_0000,
            count => u64::from(count),
        }
    }

    /// Modes 2 and 3 (and their aliases) start again at the end of the count.
    fn repeats(&self) -> bool {
        matches!(self.mode, 2 | 3)
    }

    fn elapsed(&self, clock: &Clock, now: u64) -> Option<u64> {
        let ticks = now.saturating_sub(self.started?);
        Some(clock.count_of(ticks, FREQUENCY_HZ))
    }

    fn periods_elapsed(&self, clock: &Clock, now: u64) -> u64 {
        let periods = self.elapsed(clock, now).unwrap_or(0) / self.period();
        if self.repeats() {
            periods
        } else {
            periods.min(1)
        }
    }

    fn count(&self, clock: &Clock, now: u64) -> u16 {
        let elapsed = self.elapsed(clock, now).unwrap_or(0);
        let left = if self.repeats() {
            self.period() - elapsed % self.period()
        } else {
            self.period().wrapping_sub(elapsed)
        };
        low_u16(left)
    }

    /// Mode 0 rises at the end of the count; mode 3 is high in the first half of each period.
    fn output(&self, clock: &Clock, now: u64) -> bool {
        let Some(elapsed) = self.elapsed(clock, now) else {
            return self.mode != 0;
        };
        match self.mode {
            0 | 1 => elapsed >= self.period(),
            3 => elapsed % self.period() < self.period().div_ceil(2),
            _ => true,
        }
    }

    fn control(&mut self, value: u8, clock: &Clock, now: u64) {
        self.access = match (value >> 4) & 3 {
            0 => {
                self.latched_count.get_or_insert(self.count(clock, now));
                return;
            }
            1 => Access::LowOnly,
            2 => Access::HighOnly,
            _ => Access::LowThenHigh,
        };
        let mode = (value >> 1) & 7;
        *self = Self {
            access: self.access,
            mode: if mode > 5 { mode - 4 } else { mode },
            ..Self::default()
        };
    }

    /// Read-back: bit 5 clear latches the count, bit 4 clear latches the status.
    fn read_back(&mut self, value: u8, clock: &Clock, now: u64) {
        if value & (1 << 5) == 0 {
            let count = self.count(clock, now);
            self.latched_count.get_or_insert(count);
        }
        if value & (1 << 4) == 0 {
            let access = match self.access {
                Access::LowOnly => 1,
                Access::HighOnly => 2,
                Access::LowThenHigh => 3,
            };
            let output = u8::from(self.output(clock, now));
            let status = (output << 7) | (access << 4) | (self.mode << 1);
            self.latched_status.get_or_insert(status);
        }
    }

    fn read(&mut self, clock: &Clock, now: u64) -> u8 {
        if let Some(status) = self.latched_status.take() {
            return status;
        }
        let count = self.latched_count.unwrap_or_else(|| self.count(clock, now));
        let [low, high] = count.to_le_bytes();
        let byte = match self.access {
            Access::LowOnly => low,
            Access::HighOnly => high,
            Access::LowThenHigh if self.read_byte == Byte::Low => {
                self.read_byte = Byte::High;
                return low;
            }
            Access::LowThenHigh => high,
        };
        self.read_byte = Byte::Low;
        self.latched_count = None;
        byte
    }

    fn write(&mut self, value: u8, now: u64) {
        let value = u16::from(value);
        match (self.access, self.write_byte) {
            (Access::LowOnly, _) => self.reload = value,
            (Access::HighOnly, _) => self.reload = value << 8,
            (Access::LowThenHigh, Byte::Low) => {
                self.reload = value;
                self.write_byte = Byte::High;
                self.started = None;
                return;
            }
            (Access::LowThenHigh, Byte::High) => {
                self.reload |= value << 8;
                self.write_byte = Byte::Low;
            }
        }
        self.started = Some(now);
        self.periods_reported = 0;
    }
}
