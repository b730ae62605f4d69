//! How often a component may be started afresh.

use alloc::collections::VecDeque;
use core::time::Duration;

/// The time in which restarts are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// The restarts of one component.
#[derive(Debug)]
pub struct Restarts {
    limit: usize,
    /// When it was started afresh within the last minute, the earliest first.
    recent: VecDeque<Duration>,
    lives: u64,
}

impl Restarts {
    /// A component that may be started afresh `limit` times within a minute.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            recent: VecDeque::new(),
            lives: 0,
        }
    }

    /// The component has faulted at `now`, time since boot. Answers the number of the life that it begins, from 1;
    /// `None` if it has died too often and stays where it is.
    pub fn next_life(&mut self, now: Duration) -> Option<u64> {
        while let Some(earliest) = self.recent.front()
            && now.saturating_sub(*earliest) >= WINDOW
        {
            self.recent.pop_front();
        }
        if self.recent.len() >= self.limit {
            return None;
        }
        self.recent.push_back(now);
        self.lives += 1;
        Some(self.lives)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn lives_are_counted_and_never_come_again() {
        let mut restarts = Restarts::new(2);
        assert_eq!(restarts.next_life(at(0)), Some(1));
        assert_eq!(restarts.next_life(at(10)), Some(2));
        assert_eq!(restarts.next_life(at(59)), None);
        assert_eq!(restarts.next_life(at(60)), Some(3));
        assert_eq!(restarts.next_life(at(69)), None);
        assert_eq!(restarts.next_life(at(500)), Some(4));
    }

    #[test]
    fn what_may_never_be_restarted_is_not() {
        assert_eq!(Restarts::new(0).next_life(at(1000)), None);
    }
}
