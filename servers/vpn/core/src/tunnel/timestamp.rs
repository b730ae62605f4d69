//! Timestamps of handshakes: TAI64N labels that only grow.
//!
//! A responder takes an initiation only if its label is greater than all before from the same peer, so that an old
//! one cannot be sent again. It refuses in silence. So a computer whose clock was set back (an empty battery, an owner, an
//! attacker) would be refused until the clock has caught up: for years, perhaps.
//!
//! **What was used is remembered.** Labels are the computer's time as long as that is later than every label before,
//! and otherwise one [`STEP`] more than the last. Which were used is known beyond the end of this program: what the
//! volume keeps is [reserved ahead](Reservation), so that it is written seldom, and every label that may have been
//! used is below it. The next start goes on from there, whatever the clock says.
//!
//! **If that is lost** too (a volume that was put back to an old copy), initiations stay without an answer. They also do when
//! the peer is only out of reach, which is common, and nothing tells the one from the other. So nearly all tries go on by the
//! rule above, and a peer that comes back most probably sees such a label; now and then a try adds a [leap](leap). One that
//! is answered is where labels go on from, now and after the next start. One that is not may have arrived all the same: then the
//! peer refuses what is earlier, so the [second](LEAPT_TRY) try of every further handshake goes beyond it.

use core::time::Duration;

use super::message::TIMESTAMP_SIZE;

/// The label of 1970 (D. J. Bernstein, "TAI64, TAI64N, and TAI64NA"; TAI was ten seconds ahead of UTC then).
const EPOCH: u64 = (1 << 62) + 10;
/// Nanoseconds are told in steps of 2^24, about 17 ms: enough to tell handshakes apart, and too coarse to
/// tell what this processor does.
const STEP_MASK: u32 = !((1 << 24) - 1);
const STEP: Duration = Duration::from_nanos(1 << 24);

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);
const CENTURY: Duration = YEAR.saturating_mul(100);

/// Which try of a handshake, from 0, goes beyond a leap that was not answered.
const LEAPT_TRY: usize = 1;

/// A TAI64N label: later ones compare greater.
pub(super) type Timestamp = [u8; TIMESTAMP_SIZE];

/// Makes the timestamps for one peer. Labels are times since 1970.
pub(super) struct TimestampSource {
    /// The last label that was used, leaps aside; or what was remembered.
    told: Duration,
    /// The last label after a leap, if it is not answered.
    leapt: Option<Duration>,
    /// Whether the last try was a leap, or beyond one.
    is_leaping: bool,
    /// Tries since the last answer.
    unanswered: u32,
}

impl TimestampSource {
    /// All labels will be later than `remembered`.
    pub(super) const fn new(remembered: Duration) -> Self {
        Self {
            told: remembered,
            leapt: None,
            is_leaping: false,
            unanswered: 0,
        }
    }

    /// The label for try number `attempt` (from 0) of a handshake, `time` after 1970 by the computer's clock.
    pub(super) fn next(&mut self, time: Duration, attempt: usize) -> Timestamp {
        let beyond = self.leapt.filter(|_| attempt == LEAPT_TRY);
        let leapt = match leap(self.unanswered) {
            Some(leap) => Some(
                time.saturating_add(leap)
                    .max(after(self.leapt.unwrap_or(self.told))),
            ),
            None => beyond.map(after),
        };
        self.unanswered = self.unanswered.saturating_add(1);
        self.is_leaping = leapt.is_some();
        match leapt {
            Some(leapt) => {
                self.leapt = Some(leapt);
                label(leapt)
            }
            None => {
                self.told = time.max(after(self.told));
                label(self.told)
            }
        }
    }

    /// The peer has answered the last try.
    pub(super) fn answered(&mut self) {
        if let Some(leapt) = self.leapt.take().filter(|_| self.is_leaping) {
            self.told = leapt;
        }
        self.unanswered = 0;
    }

    /// All labels that are in use are not later than this.
    pub(super) const fn told(&self) -> Duration {
        self.told
    }
}

/// What try number `unanswered` since the last answer adds, if it is one of those few.
fn leap(unanswered: u32) -> Option<Duration> {
    match unanswered {
        12 => Some(DAY),
        16 => Some(YEAR),
        20.. if (unanswered - 20).is_multiple_of(16) => Some(CENTURY),
        _ => None,
    }
}

fn after(label: Duration) -> Duration {
    label.saturating_add(STEP)
}

/// What is remembered of labels, and when it is to be written anew.
pub(super) struct Reservation {
    until: Duration,
    /// The latest label that was used.
    latest: Duration,
}

impl Reservation {
    /// What was found at the start.
    pub(super) const fn new(remembered: Duration) -> Self {
        Self {
            until: remembered,
            latest: Duration::ZERO,
        }
    }

    /// A label is in use.
    pub(super) fn note(&mut self, told: Duration) {
        self.latest = self.latest.max(told);
    }

    /// What is to be remembered from now on, `time` after 1970, if it is not what is remembered: asked for as soon as
    /// half of it is used up. Answers once.
    pub(super) fn renew(&mut self, time: Duration) -> Option<Duration> {
        // Labels that go by steps need little, and by little they get ahead of the clock at each start.
        let ahead = if self.latest <= time { HOUR } else { MINUTE };
        let is_enough = self.latest.saturating_add(ahead / 2) <= self.until;
        if is_enough || self.latest.is_zero() {
            return None;
        }
        self.until = self.latest.saturating_add(ahead);
        Some(self.until)
    }
}

fn label(time: Duration) -> Timestamp {
    let (seconds, nanoseconds) = (time.as_secs(), time.subsec_nanos() & STEP_MASK);
    let mut label = [0; TIMESTAMP_SIZE];
    label[..8].copy_from_slice(&EPOCH.saturating_add(seconds).to_be_bytes());
    label[8..].copy_from_slice(&nanoseconds.to_be_bytes());
    label
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);
    /// Time between two tries.
    const PAUSE: Duration = Duration::from_secs(5);
    /// Tries of one handshake.
    const TRIES: u32 = 17;

    #[test]
    fn labels_are_those_of_the_definition() {
        // 1970 is 400000000000000a; the part of a second is cut to steps.
        assert_eq!(label(Duration::ZERO)[..8], [0x40, 0, 0, 0, 0, 0, 0, 0x0a]);
        let time = Duration::new(0x37c2_19b5, 0x2ef0_2e94);
        let expected = [0x40, 0, 0, 0, 0x37, 0xc2, 0x19, 0xbf, 0x2e, 0, 0, 0];
        assert_eq!(label(time), expected);
    }

    #[test]
    fn labels_grow_even_in_the_same_moment() {
        let mut source = TimestampSource::new(Duration::ZERO);
        let mut last = source.next(NOW, 0);
        for milliseconds in [0, 0, 1, 20, 20, 21, 5000] {
            let next = source.next(NOW + Duration::from_millis(milliseconds), 0);
            source.answered();
            assert!(next > last, "{milliseconds}");
            last = next;
        }
    }

    /// Tries without an answer, with the labels that they had.
    fn tries(source: &mut TimestampSource, begin: Duration) -> impl Iterator<Item = Timestamp> {
        (0..).map(move |number: u32| {
            let attempt = usize::try_from(number % TRIES).expect("few");
            source.next(begin + PAUSE * number, attempt)
        })
    }

    /// The clock was set back by so much; the peer remembers a label from before, and nobody here does.
    #[test]
    fn a_clock_set_back_does_not_lock_out() {
        for (years_back, tries_needed) in [(0, 1), (1, 17), (5, 21), (50, 21)] {
            let remembered = label(NOW);
            let time = NOW - years_back * 365 * DAY;
            let mut source = TimestampSource::new(Duration::ZERO);
            let mut tries = tries(&mut source, time + PAUSE);
            let answered = tries.position(|label| label > remembered);
            drop(tries);
            assert_eq!(answered.map(|before| before + 1), Some(tries_needed));
            source.answered();
            // That is where labels go on from, here and after the next start.
            let next = source.next(time + 2 * MINUTE, 0);
            assert!(next > remembered);
            let mut restarted = TimestampSource::new(source.told());
            assert!(restarted.next(time, 0) > next);
        }
    }

    #[test]
    fn who_comes_back_most_probably_sees_the_truth() {
        let mut source = TimestampSource::new(Duration::ZERO);
        let tomorrow = label(NOW + DAY);
        let honest = tries(&mut source, NOW)
            .take(1000)
            .filter(|label| *label < tomorrow)
            .count();
        assert!(honest > 850, "{honest} of 1000");
        let mut first = tries(&mut source, NOW + HOUR);
        assert!(first.next().is_some_and(|label| label < tomorrow));
    }

    /// A leap arrived, but its answer was lost.
    #[test]
    fn a_leap_that_nobody_answered_costs_one_try() {
        let mut source = TimestampSource::new(Duration::ZERO);
        let heard = tries(&mut source, NOW).take(200).max().expect("many");
        assert!(source.next(NOW + HOUR, 0) < heard);
        assert!(source.next(NOW + HOUR + PAUSE, LEAPT_TRY) > heard);
        source.answered();
        assert!(source.next(NOW + HOUR + MINUTE, 0) > heard);
    }

    #[test]
    fn an_hour_is_reserved_at_a_time() {
        let mut source = TimestampSource::new(Duration::ZERO);
        let mut reservation = Reservation::new(Duration::ZERO);
        assert_eq!(reservation.renew(NOW), None, "nothing was used");
        let mut writes = 0;
        for handshake in 0..24 * 30 {
            let time = NOW + 2 * MINUTE * handshake;
            source.next(time, 0);
            source.answered();
            reservation.note(source.told());
            writes += u32::from(reservation.renew(time).is_some());
            assert_eq!(reservation.renew(time), None, "it answers once");
            assert!(reservation.until >= source.told());
        }
        assert!((24..=48).contains(&writes), "{writes} in a day");
    }

    proptest! {
        /// Whatever the clock says at each start, and wherever a life ends: labels grow if what was reserved is on the disk, and do
        /// not run away from the clock.
        #[test]
        fn labels_grow_over_starts(
            lives in proptest::collection::vec((0..4_000_000_000_u64, 1..200_u32, 0..300_u64), 1..40),
        ) {
            let mut remembered = Duration::ZERO;
            let mut last = label(Duration::ZERO);
            let mut latest_clock = Duration::ZERO;
            let lives_count = u32::try_from(lives.len()).expect("few");
            for (clock, handshakes, pause) in lives {
                let mut source = TimestampSource::new(remembered);
                let mut reservation = Reservation::new(remembered);
                for handshake in 0..handshakes {
                    let time = Duration::from_secs(clock + pause * u64::from(handshake));
                    latest_clock = latest_clock.max(time);
                    let next = source.next(time, 0);
                    source.answered();
                    prop_assert!(next > last);
                    last = next;
                    reservation.note(source.told());
                    remembered = reservation.renew(time).unwrap_or(remembered);
                    prop_assert!(source.told() <= remembered);
                }
            }
            prop_assert!(remembered <= latest_clock + HOUR + MINUTE * lives_count * 2);
        }
    }
}
