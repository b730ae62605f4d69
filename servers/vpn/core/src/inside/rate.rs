//! How much of something may happen in a time.

use core::time::Duration;

/// A bucket of tokens that fills at a steady rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenBucket {
    per_second: u64,
    capacity: u64,
    /// In billionths of a token.
    filled: u64,
    at: Duration,
}

const TOKEN: u64 = 1_000_000_000;

impl TokenBucket {
    /// A full bucket that gains `per_second` tokens a second and holds twice as many.
    pub(super) fn new(per_second: u32, now: Duration) -> Self {
        let capacity = u64::from(per_second) * 2 * TOKEN;
        Self {
            per_second: per_second.into(),
            capacity,
            filled: capacity,
            at: now,
        }
    }

    /// Takes a token if there is one. A clock that goes back fills nothing.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.at);
        let nanoseconds = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
        self.at = self.at.max(now);
        let gained = nanoseconds.saturating_mul(self.per_second);
        self.filled = self.filled.saturating_add(gained).min(self.capacity);
        let taken = self.filled.checked_sub(TOKEN);
        self.filled = taken.unwrap_or(self.filled);
        taken.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_what_has_gathered() {
        let mut bucket = TokenBucket::new(10, Duration::ZERO);
        let take = |bucket: &mut TokenBucket, now| (0..100).filter(|_| bucket.take(now)).count();
        assert_eq!(take(&mut bucket, Duration::ZERO), 20);
        assert_eq!(take(&mut bucket, Duration::from_millis(500)), 5);
        assert_eq!(take(&mut bucket, Duration::from_millis(400)), 0);
        assert_eq!(take(&mut bucket, Duration::from_secs(1000)), 20);
        assert_eq!(
            take(&mut TokenBucket::new(0, Duration::ZERO), Duration::MAX),
            0
        );
    }
}
