//! The local APIC's timer: one-shot, periodic, TSC deadline (Intel SDM volume 3, 11.5.4).

use crate::clock::Clock;

/// The timer counts at 1 GHz before its divisor.
const FREQUENCY_HZ: u64 = 1_000_000_000;

/// How the timer counts: bits 18:17 of its local vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    OneShot,
    Periodic,
    Deadline,
}

/// The timer's registers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timer {
    pub(super) mode: Mode,
    pub(super) initial_count: u32,
    pub(super) divide: u8,
    /// TSC at which it fires next.
    pub(super) deadline: Option<u64>,
}

impl Timer {
    /// Changes the mode; a change to or from deadline mode disarms the timer.
    pub(super) fn set_mode(&mut self, bits: u64) {
        let mode = match bits & 3 {
            1 => Mode::Periodic,
            2 => Mode::Deadline,
            _ => Mode::OneShot,
        };
        if (mode == Mode::Deadline) != (self.mode == Mode::Deadline) {
            self.deadline = None;
            self.initial_count = 0;
        }
        self.mode = mode;
    }

    /// Starts counting; zero stops. Ignored in deadline mode.
    pub(super) fn start(&mut self, count: u32, clock: &Clock, now: u64) {
        if self.mode == Mode::Deadline {
            return;
        }
        self.initial_count = count;
        self.deadline = (count != 0).then(|| now.saturating_add(self.period(clock)));
    }

    /// Sets the deadline; zero disarms. Ignored outside of deadline mode.
    pub(super) fn set_deadline(&mut self, deadline: u64) {
        if self.mode == Mode::Deadline {
            self.deadline = (deadline != 0).then_some(deadline);
        }
    }

    /// The deadline register.
    pub(super) fn deadline_register(&self) -> u64 {
        match self.mode {
            Mode::Deadline => self.deadline.unwrap_or(0),
            Mode::OneShot | Mode::Periodic => 0,
        }
    }

    /// The current count.
    pub(super) fn count(&self, clock: &Clock, now: u64) -> u64 {
        match (self.mode, self.deadline) {
            (Mode::OneShot | Mode::Periodic, Some(deadline)) => {
                clock.count_of(deadline.saturating_sub(now), self.frequency_hz())
            }
            _ => 0,
        }
    }

    /// Whether the timer fires now; a periodic one starts anew, leaving out periods that were missed.
    pub(super) fn expire(&mut self, clock: &Clock, now: u64) -> bool {
        let Some(deadline) = self.deadline.filter(|&deadline| deadline <= now) else {
            return false;
        };
        self.deadline = (self.mode == Mode::Periodic).then(|| {
            let period = self.period(clock);
            let missed = (now - deadline) / period;
            deadline.saturating_add((missed + 1).saturating_mul(period))
        });
        true
    }

    fn period(&self, clock: &Clock) -> u64 {
        clock
            .ticks_of(u64::from(self.initial_count), self.frequency_hz())
            .max(1)
    }

    /// Divide configuration bits 3, 1, 0: 2, 4, …, 128, and 1 for the last.
    fn frequency_hz(&self) -> u64 {
        let bits = (self.divide & 3) | ((self.divide & 8) >> 1);
        let shift = (bits + 1) & 7;
        FREQUENCY_HZ >> shift
    }
}
