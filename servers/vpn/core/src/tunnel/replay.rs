//! Which messages of a session have been received: each counts once.
//!
//! A bitmap that is used as a ring (RFC 6479): one word more than the window is wide, so that moving on clears whole
//! words and shifts nothing.

/// Words of the bitmap.
const WORDS: usize = 129;
/// Counters that lie this far behind the greatest are too old.
pub(super) const WIDTH: u64 = (WORDS as u64 - 1) * BITS;
const BITS: u64 = u64::BITS as u64;

/// The window (1,048 bytes).
pub(super) struct ReplayWindow {
    /// One more than the greatest counter received.
    next: u64,
    seen: [u64; WORDS],
}

/// A counter was received before, or lies too far behind to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Replayed;

impl ReplayWindow {
    pub(super) const fn new() -> Self {
        Self {
            next: 0,
            seen: [0; WORDS],
        }
    }

    /// Whether a message with this counter would be new. Nothing changes: the message may be forged.
    pub(super) fn check(&self, counter: u64) -> Result<(), Replayed> {
        if counter >= self.next {
            return Ok(());
        }
        let is_old = self.next - counter > WIDTH;
        if is_old || self.seen[word(counter)] & bit(counter) != 0 {
            return Err(Replayed);
        }
        Ok(())
    }

    /// Takes note of a genuine message.
    pub(super) fn accept(&mut self, counter: u64) -> Result<(), Replayed> {
        self.check(counter)?;
        if counter >= self.next {
            let (first, last) = (self.next.div_ceil(BITS), counter / BITS);
            // Words that were never reached are cleared as they are entered; more than all need not be.
            for index in first.max(last.saturating_sub(WORDS as u64 - 1))..=last {
                self.seen[word(index * BITS)] = 0;
            }
            self.next = counter + 1;
        }
        self.seen[word(counter)] |= bit(counter);
        Ok(())
    }
}

const fn word(counter: u64) -> usize {
    (counter / BITS % WORDS as u64) as usize
}

const fn bit(counter: u64) -> u64 {
    1 << (counter % BITS)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_window_is_as_wide_as_it_says() {
        let mut window = ReplayWindow::new();
        assert_eq!(window.accept(WIDTH), Ok(()));
        assert_eq!(window.accept(0), Err(Replayed));
        assert_eq!(window.accept(1), Ok(()));
        assert_eq!(window.accept(1), Err(Replayed));
        assert_eq!(window.accept(1 << 62), Ok(()));
        assert_eq!(window.accept((1 << 62) - WIDTH), Err(Replayed));
        assert_eq!(window.accept((1 << 62) - WIDTH + 1), Ok(()));
    }

    proptest! {
        /// Steps forward and back of any size: the window agrees with a set of all that was accepted.
        #[test]
        fn it_agrees_with_a_set(
            steps in proptest::collection::vec((0..14_u32, any::<u64>(), any::<bool>()), 1..400)
        ) {
            let mut window = ReplayWindow::new();
            let (mut seen, mut greatest) = (BTreeSet::new(), None::<u64>);
            for (size, amount, is_back) in steps {
                let amount = amount % (1 << size);
                let from = greatest.unwrap_or(0);
                let counter = if is_back { from.saturating_sub(amount) } else { from + amount };
                let is_old = greatest.is_some_and(|greatest| greatest + 1 > counter + WIDTH);
                let expected = !is_old && seen.insert(counter);
                prop_assert_eq!(window.check(counter).is_ok(), expected);
                prop_assert_eq!(window.accept(counter).is_ok(), expected);
                greatest = greatest.max(Some(counter));
            }
        }
    }
}
