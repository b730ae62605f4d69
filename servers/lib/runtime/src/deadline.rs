//! Being woken at a time: this side of the channel to the timer.

use core::time::Duration;

use shared_memory::{Channel, Memory, OpenError};

use crate::{Clock, Ticks};

/// Where the deadline stands in this side's region.
const DEADLINE: usize = 0;

/// A deadline that the timer watches. One at a time: setting replaces.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineTimer {
    channel: Channel,
}

impl DeadlineTimer {
    /// Opens the channel `timer`.
    ///
    /// # Errors
    ///
    /// The manifest grants none.
    pub fn open(memory: &Memory) -> Result<Self, OpenError> {
        let channel = Channel::open(memory, "timer")?;
        Ok(Self { channel })
    }

    /// The bits that the timer's signal sets in this component's notification word.
    #[must_use]
    pub const fn badge(&self) -> u64 {
        self.channel.badge()
    }

    /// Asks to be woken at or after `deadline`; at once if it is past.
    pub fn set(&self, deadline: Ticks) {
        // 0 means none, and lies in the past like 1.
        self.write(deadline.0.max(1));
    }

    /// Asks to be woken when `span` has passed.
    pub fn set_after(&self, clock: &Clock, span: Duration) {
        self.set(clock.after(span));
    }

    /// Withdraws the deadline. A signal that is on its way still arrives.
    pub fn cancel(&self) {
        self.write(0);
    }

    fn write(&self, word: u64) {
        // A region too small for one word would be the manifest's fault; the timer then stays silent.
        let _ = self.channel.output().write_u64_at(DEADLINE, word);
        self.channel.signal();
    }
}
