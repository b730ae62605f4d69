//! Being woken for what is due.

use core::time::Duration;

use runtime::{Clock, Component, DeadlineTimer, shared_memory::OpenError};

/// The timer, and what it was told last: it is bothered only for something earlier.
pub(crate) struct Alarm {
    timer: DeadlineTimer,
    clock: Clock,
    set: Option<Duration>,
}

impl Alarm {
    pub(crate) fn open(component: &Component) -> Result<Self, OpenError> {
        Ok(Self {
            timer: DeadlineTimer::open(&component.memory)?,
            clock: component.clock,
            set: None,
        })
    }

    /// The time since the counter began.
    pub(crate) fn now(&self) -> Duration {
        self.clock.duration(self.clock.now())
    }

    /// Takes notice of signals: the alarm may be among them.
    pub(crate) fn notice(&mut self, signals: u64) {
        if signals & self.timer.badge() != 0 {
            self.set = None;
        }
    }

    /// Sees to it that the program is woken at `deadline`, or before.
    pub(crate) fn set(&mut self, deadline: Duration) {
        if self.set.is_none_or(|set| deadline < set) {
            self.timer.set(self.clock.ticks(deadline));
            self.set = Some(deadline);
        }
    }
}
