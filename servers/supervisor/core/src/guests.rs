//! Which guests still run.

use alloc::vec::Vec;

use supervisor_api::Report;

use crate::{Action, Policy};

/// The guests of the system, each known by the badge of its monitor.
#[derive(Debug)]
pub struct Guests {
    guests: Vec<Guest>,
}

#[derive(Debug)]
struct Guest {
    badge: u64,
    runs: bool,
}

/// How many guests run after one has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// Others go on, so nothing is done.
    Some,
    /// None: the policy's action is due.
    None(Action),
}

impl Guests {
    /// Guests that run, by the badges of their monitors.
    pub fn new(badges: impl IntoIterator<Item = u64>) -> Self {
        let guest = |badge| Guest { badge, runs: true };
        Self {
            guests: badges.into_iter().map(guest).collect(),
        }
    }

    /// The monitor with `badge` reports the end of its guest.
    pub fn ended(&mut self, badge: u64, report: &Report, policy: &Policy) -> Remaining {
        self.stop(badge);
        if self.guests.iter().any(|guest| guest.runs) {
            return Remaining::Some;
        }
        Remaining::None(match report {
            Report::GuestPoweredOff => policy.on_guest_power_off,
            Report::GuestRestarts => policy.on_guest_restart,
            Report::GuestCrashed { .. } => policy.on_guest_crash,
        })
    }

    fn stop(&mut self, badge: u64) {
        for guest in self.guests.iter_mut().filter(|guest| guest.badge == badge) {
            guest.runs = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        on_guest_power_off: Action::PowerOff,
        on_guest_restart: Action::Restart,
        on_guest_crash: Action::Fail,
        on_component_fault: Action::GoOn,
    };

    #[test]
    fn the_last_guest_decides() {
        let mut guests = Guests::new([7, 8]);
        let restarts = guests.ended(7, &Report::GuestRestarts, &POLICY);
        assert_eq!(restarts, Remaining::Some);
        let again = guests.ended(7, &Report::GuestPoweredOff, &POLICY);
        assert_eq!(again, Remaining::Some);
        let last = guests.ended(8, &Report::GuestPoweredOff, &POLICY);
        assert_eq!(last, Remaining::None(Action::PowerOff));
    }

    #[test]
    fn strangers_end_nobody() {
        let mut guests = Guests::new([7]);
        let stranger = guests.ended(9, &Report::GuestPoweredOff, &POLICY);
        assert_eq!(stranger, Remaining::Some);
    }
}
