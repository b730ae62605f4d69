//! Whose deadline comes when.
//!
//! Every client has at most one deadline: the word in its region. The server reads the word when
//! the client signals, so a deadline fires once each time that the client asked for it.

use alloc::{vec, vec::Vec};

/// The deadlines of all clients, in ticks of the time-stamp counter.
#[derive(Debug)]
pub struct Schedule {
    deadlines: Vec<Option<u64>>,
}

impl Schedule {
    /// No deadlines yet, for `clients` clients.
    #[must_use]
    pub fn new(clients: usize) -> Self {
        Self {
            deadlines: vec![None; clients],
        }
    }

    /// Client number `client` wrote `word`: a deadline, or 0 for none. Clients that do not exist are ignored.
    pub fn set(&mut self, client: usize, word: u64) {
        if let Some(deadline) = self.deadlines.get_mut(client) {
            *deadline = (word != 0).then_some(word);
        }
    }

    /// Forgets the deadlines that `now` has reached and answers whose they were.
    pub fn take_due(&mut self, now: u64) -> impl Iterator<Item = usize> {
        let due = move |deadline: &mut u64| *deadline <= now;
        let clients = self.deadlines.iter_mut().enumerate();
        clients.filter_map(move |(client, deadline)| deadline.take_if(due).map(|_| client))
    }

    /// The next deadline of all.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        self.deadlines.iter().flatten().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn due(schedule: &mut Schedule, now: u64) -> Vec<usize> {
        schedule.take_due(now).collect()
    }

    #[test]
    fn a_deadline_fires_once_at_its_time() {
        let mut schedule = Schedule::new(2);
        schedule.set(1, 100);
        assert_eq!(schedule.next(), Some(100));
        assert_eq!(due(&mut schedule, 99), []);
        assert_eq!(due(&mut schedule, 100), [1]);
        assert_eq!(due(&mut schedule, 101), []);
        assert_eq!(schedule.next(), None);
    }

    #[test]
    fn the_last_word_counts() {
        let mut schedule = Schedule::new(1);
        schedule.set(0, 100);
        schedule.set(0, 200);
        assert_eq!(due(&mut schedule, 150), []);
        schedule.set(0, 0);
        assert_eq!(due(&mut schedule, u64::MAX), []);
        schedule.set(7, 5);
        assert_eq!(schedule.next(), None);
    }

    proptest! {
        /// Against the plain description: a client is woken at the first look at the clock that is
        /// not before its last deadline, and not otherwise.
        #[test]
        fn nobody_is_woken_early_or_forgotten(
            steps in proptest::collection::vec((0usize..5, prop_oneof![0u64..50, Just(u64::MAX)], 0u64..5), 1..80),
        ) {
            let mut schedule = Schedule::new(5);
            let mut expected: [Option<u64>; 5] = [None; 5];
            let mut now = 0;
            for (client, word, passed) in steps {
                schedule.set(client, word);
                expected[client] = (word != 0).then_some(word);
                now += passed;
                let woken = due(&mut schedule, now);
                for (client, deadline) in expected.iter_mut().enumerate() {
                    let is_due = deadline.is_some_and(|deadline| deadline <= now);
                    prop_assert_eq!(woken.contains(&client), is_due);
                    if is_due {
                        *deadline = None;
                    }
                }
                prop_assert_eq!(schedule.next(), expected.iter().flatten().min().copied());
            }
        }
    }
}
