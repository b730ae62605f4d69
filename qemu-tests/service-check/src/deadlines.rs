//! The timer wakes at or after the deadline, soon after it, once, and not when the deadline was withdrawn.

use alloc::{format, string::String};
use core::time::Duration;

use runtime::{Clock, Component, DeadlineTimer, Notification, Ticks, println};

/// How late a wake-up may be: the machine under test may be slow, but not by this much.
const LATE: Duration = Duration::from_millis(100);

struct Check {
    timer: DeadlineTimer,
    clock: Clock,
    notification: Notification,
}

pub(crate) fn check(component: &Component) -> Result<(), String> {
    let check = Check {
        timer: DeadlineTimer::open(&component.memory).map_err(|error| format!("{error}"))?,
        clock: component.clock,
        notification: component
            .notification()
            .map_err(|error| format!("{error}"))?,
    };
    let mut worst = Duration::ZERO;
    for milliseconds in [0, 1, 2, 5, 10, 50, 3, 1, 0, 20] {
        worst = worst.max(check.wakes_in_time(Duration::from_millis(milliseconds))?);
    }
    check.wakes_at_once_for_the_past()?;
    check.stays_silent_when_cancelled()?;
    println!("deadlines are kept; the latest by {} us", worst.as_micros());
    Ok(())
}

impl Check {
    /// Answers how late it was.
    fn wakes_in_time(&self, span: Duration) -> Result<Duration, String> {
        let deadline = self.clock.after(span);
        self.timer.set(deadline);
        self.wait_for_timer();
        let now = self.clock.now();
        let late = self.clock.duration(now - deadline);
        if now < deadline {
            return Err(format!("woken before the deadline of {span:?}"));
        }
        if late > LATE {
            return Err(format!("woken {late:?} after the deadline of {span:?}"));
        }
        Ok(late)
    }

    fn wakes_at_once_for_the_past(&self) -> Result<(), String> {
        let before = self.clock.now();
        self.timer.set(Ticks(1));
        self.wait_for_timer();
        let waited = self.clock.duration(self.clock.now() - before);
        if waited > LATE {
            return Err(format!(
                "woken only {waited:?} after a deadline in the past"
            ));
        }
        Ok(())
    }

    /// A later deadline takes the place of an earlier one.
    fn stays_silent_when_cancelled(&self) -> Result<(), String> {
        self.timer.set_after(&self.clock, Duration::from_millis(20));
        self.timer.cancel();
        let deadline = self.clock.after(Duration::from_millis(60));
        self.timer.set(deadline);
        self.wait_for_timer();
        if self.clock.now() < deadline {
            return Err("woken by a deadline that was withdrawn".into());
        }
        Ok(())
    }

    fn wait_for_timer(&self) {
        while self.notification.wait() & self.timer.badge() == 0 {}
    }
}
