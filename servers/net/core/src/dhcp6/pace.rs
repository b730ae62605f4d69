//! When a question is asked again (RFC 8415, section 15).

use core::time::Duration;

use crate::chance::Chance;

/// How often questions of one kind are asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// Time until the second question (IRT).
    pub(super) first: Duration,
    /// The longest time between two (MRT).
    pub(super) longest: Duration,
    /// How far the first time may be from what it should be.
    pub(super) spread: Spread,
}

/// Which way times are randomised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spread {
    /// By a tenth, up or down.
    Both,
    /// By a tenth, up: so that all servers have had that time to answer (section 18.2.1).
    Up,
}

/// Where one question stands.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    rate: Rate,
    /// The time between the last two, if it was asked twice or more; else none.
    pause: Option<Duration>,
    /// How often it was asked.
    pub(super) count: u32,
    /// When it is asked next, or given up.
    pub(super) next: Duration,
}

impl Pace {
    /// To be asked first at `start`.
    pub(super) fn new(rate: Rate, start: Duration) -> Self {
        Self {
            rate,
            pause: None,
            count: 0,
            next: start,
        }
    }

    /// It was asked now.
    pub(super) fn note(&mut self, now: Duration, chance: &mut Chance) {
        let pause = match self.pause {
            None => spread(self.rate.first, self.rate.spread, chance),
            Some(before) => before + spread(before, Spread::Both, chance),
        };
        let pause = if pause > self.rate.longest {
            spread(self.rate.longest, Spread::Both, chance)
        } else {
            pause
        };
        self.pause = Some(pause);
        self.count = self.count.saturating_add(1);
        self.next = now + pause;
    }
}

/// A time that is randomised.
fn spread(time: Duration, spread: Spread, chance: &mut Chance) -> Duration {
    let tenth = time / 10;
    match spread {
        Spread::Both => time - tenth + tenth * 2 * chance.thousandths() / 1000,
        Spread::Up => time + tenth * (1 + chance.thousandths()) / 1001,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_double_up_to_the_longest() {
        for seed in 0..200 {
            let mut chance = Chance::new(seed);
            let rate = Rate {
                first: Duration::from_secs(1),
                longest: Duration::from_secs(30),
                spread: Spread::Up,
            };
            let mut pace = Pace::new(rate, Duration::ZERO);
            let mut pauses = std::vec::Vec::new();
            for _ in 0..10 {
                let now = pace.next;
                pace.note(now, &mut chance);
                pauses.push((pace.next - now).as_secs_f64());
            }
            assert!(pauses[0] > 1.0 && pauses[0] <= 1.1, "{pauses:?}");
            for pair in pauses.windows(2) {
                let doubled = pair[1] / pair[0];
                let is_longest = (27.0..=33.0).contains(&pair[1]);
                assert!((1.9..=2.1).contains(&doubled) || is_longest, "{pauses:?}");
            }
            assert!((27.0..=33.0).contains(&pauses[9]), "{pauses:?}");
            assert_eq!(pace.count, 10);
        }
    }
}
