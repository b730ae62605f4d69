//! Timestamps of handshakes: TAI64N labels that only grow.
//!
//! A responder takes an initiation only if its timestamp is greater than all before from the same peer, so that an old
//! one cannot be sent again. Ours are the time of the boot, as the computer's clock said it, plus what has passed since, which
//! only grows; restarting this program does not set it back. But between two boots the clock may have been set back (an empty battery,
//! an owner, an attacker), and then the peer, which remembers the last label, would silently refuse us until the clock has
//! caught up: for years, perhaps.
//!
//! So an initiation that stays without an answer is tried again with other times. The first tries say the truth. Later
//! ones add a [leap](LEAPS) each, and the leap that worked stays in use until the next start. A peer that is only away
//! sees a leap if it comes back at just that moment; this costs nothing but a longer first handshake after the next start, which climbs
//! the same ladder: each rung is later by now than it was then.

use core::time::Duration;

use super::message::TIMESTAMP_SIZE;

/// The label of 1970 (D. J. Bernstein, "TAI64, TAI64N, and TAI64NA"; TAI was ten seconds ahead of UTC then).
const EPOCH: u64 = (1 << 62) + 10;
/// Nanoseconds are told in steps of 2^24, about 17 ms: enough to tell handshakes apart, and too coarse to
/// tell what this processor does.
const STEP_MASK: u32 = !((1 << 24) - 1);
const STEP: Duration = Duration::from_nanos(1 << 24);

/// Tries at the truth before the first leap.
const HONEST_TRIES: usize = 3;
const HOUR: u64 = 3600;
/// What later tries add.
const LEAPS: [Duration; 6] = [
    Duration::from_secs(HOUR),
    Duration::from_secs(24 * HOUR),
    Duration::from_secs(31 * 24 * HOUR),
    Duration::from_secs(366 * 24 * HOUR),
    Duration::from_secs(10 * 366 * 24 * HOUR),
    Duration::from_secs(100 * 366 * 24 * HOUR),
];

/// A TAI64N label: later ones compare greater.
pub(super) type Timestamp = [u8; TIMESTAMP_SIZE];

/// Makes the timestamps for one peer.
#[derive(Default)]
pub(super) struct TimestampSource {
    /// What is added to the truth because it has worked.
    offset: Duration,
    /// The leap of the last try.
    tried: Duration,
    last: Duration,
}

impl TimestampSource {
    /// The label for try number `attempt` (from 0) of a handshake, `time` after 1970.
    pub(super) fn next(&mut self, time: Duration, attempt: usize) -> Timestamp {
        let leap = attempt
            .checked_sub(HONEST_TRIES)
            .map_or(Duration::ZERO, |rung| LEAPS[rung.min(LEAPS.len() - 1)]);
        self.tried = self.offset.max(leap);
        let time = time.saturating_add(self.tried);
        // After a leap that did not work the truth is told again. Otherwise labels grow, even in one moment.
        let is_leap_back = self.last.saturating_sub(time) > LEAPS[0] / 2;
        self.last = if coarse(time) > coarse(self.last) || is_leap_back {
            time
        } else {
            self.last.saturating_add(STEP)
        };
        label(self.last)
    }

    /// The peer has answered the last try.
    pub(super) fn answered(&mut self) {
        self.offset = self.tried;
    }
}

fn coarse(time: Duration) -> (u64, u32) {
    (time.as_secs(), time.subsec_nanos() & STEP_MASK)
}

fn label(time: Duration) -> Timestamp {
    let (seconds, nanoseconds) = coarse(time);
    let mut label = [0; TIMESTAMP_SIZE];
    label[..8].copy_from_slice(&EPOCH.saturating_add(seconds).to_be_bytes());
    label[8..].copy_from_slice(&nanoseconds.to_be_bytes());
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);

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
        let mut source = TimestampSource::default();
        let mut last = source.next(NOW, 0);
        for milliseconds in [0, 0, 1, 20, 20, 21, 5000] {
            let next = source.next(NOW + Duration::from_millis(milliseconds), 0);
            assert!(next > last, "{milliseconds}");
            last = next;
        }
    }

    /// The clock was set back by so much; the peer remembers a label from before.
    #[test]
    fn a_clock_set_back_does_not_lock_out() {
        for years_back in [0, 1, 5, 50] {
            let remembered = label(NOW);
            let time = NOW - Duration::from_secs(years_back * 365 * 24 * HOUR);
            let mut source = TimestampSource::default();
            let answered = (0..18).find(|attempt| source.next(time, *attempt) > remembered);
            assert!(answered.is_some(), "{years_back}");
            source.answered();
            let next = source.next(time + Duration::from_secs(120), 0);
            assert!(next > remembered);
        }
    }
}
