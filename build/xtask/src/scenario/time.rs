//! Whether time passes for a guest as it does for the host.
//!
//! The guest says again and again what its clock shows. On a busy host every line arrives late, but some hardly:
//! of many lines the one that took least is close to the truth.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::qemu::find;

/// How far a guest's second may differ from the host's, in seconds.
const TOLERANCE: f64 = 0.01;
/// Seconds by which the guest's date may differ from the host's: it is read from a clock without fractions, and a busy host
/// takes its time until the guest's monitor starts to count from there.
const DATE_TOLERANCE: f64 = 3.0;
/// Seconds that the guest's clock must have been watched for.
const LEAST_SPAN: f64 = 10.0;
/// What stands behind each date: a line that was interrupted lacks it.
const UNIT: &[u8] = b" s";

/// When what was printed arrived.
#[derive(Default)]
pub(super) struct Arrivals(Vec<Arrival>);

struct Arrival {
    /// Bytes on the console by then.
    length: usize,
    at: Instant,
    date: SystemTime,
}

impl Arrivals {
    /// Notes that the console holds so many bytes now.
    pub(super) fn note(&mut self, length: usize) {
        self.0.push(Arrival {
            length,
            at: Instant::now(),
            date: SystemTime::now(),
        });
    }

    /// When the last of it arrived.
    pub(super) fn last(&self) -> Option<Instant> {
        Some(self.0.last()?.at)
    }

    /// When the byte at this place arrived.
    fn of(&self, place: usize) -> Option<&Arrival> {
        self.0.iter().find(|arrival| arrival.length > place)
    }
}

/// What the guest's clock showed, and when that was read here. All in seconds.
struct Reading {
    guest: f64,
    /// Since the first arrival.
    host: f64,
    /// Since 1970, by the host's clock.
    date: f64,
}

impl Reading {
    /// How much later than the guest's clock, but for a constant.
    fn lateness(&self) -> f64 {
        self.host - self.guest
    }
}

/// What is wrong with the clock of a guest that says behind `text` what it shows, in seconds since 1970.
pub(super) fn finding(text: &str, console: &[u8], arrivals: &Arrivals) -> Option<String> {
    let readings = readings(text, console, arrivals);
    let (Some(first), Some(last)) = (readings.first(), readings.last()) else {
        return Some(format!("nothing behind {text:?} is a date"));
    };
    let wrong = readings.iter().map(|reading| reading.date - reading.guest);
    let date_error = wrong.min_by(|a, b| a.abs().total_cmp(&b.abs()))?;
    if date_error.abs() > DATE_TOLERANCE {
        return Some(format!(
            "the guest's date is {date_error:.1} s behind the host's"
        ));
    }
    let middle = (first.guest + last.guest) / 2.0;
    let (early, late): (Vec<_>, Vec<_>) = readings.iter().partition(|one| one.guest < middle);
    let promptest = |readings: Vec<&'_ Reading>| {
        let promptest = |a: &&Reading, b: &&Reading| a.lateness().total_cmp(&b.lateness());
        readings
            .into_iter()
            .min_by(promptest)
            .map(|one| (one.guest, one.lateness()))
    };
    let (Some((from, before)), Some((to, after))) = (promptest(early), promptest(late)) else {
        return Some(format!("{text:?} appeared only once"));
    };
    let (span, error) = (to - from, after - before);
    if span < LEAST_SPAN {
        return Some(format!(
            "the guest's clock was watched for {span:.1} s only"
        ));
    }
    (error.abs() > span * TOLERANCE)
        .then(|| format!("{span:.2} s of the guest took {:.2} s", span + error))
}

fn readings(text: &str, console: &[u8], arrivals: &Arrivals) -> Vec<Reading> {
    let mut readings = Vec::new();
    let mut place = 0;
    while let Some(at) = find(&console[place..], text.as_bytes()) {
        place += at + text.len();
        readings.extend(reading(&console[place..], place, arrivals));
    }
    readings
}

fn reading(rest: &[u8], place: usize, arrivals: &Arrivals) -> Option<Reading> {
    let length = rest
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b'.'))?;
    let (digits, behind) = rest.split_at(length);
    if !behind.starts_with(UNIT) {
        return None;
    }
    let arrival = arrivals.of(place + length)?;
    let start = arrivals.0.first()?.at;
    Some(Reading {
        guest: std::str::from_utf8(digits).ok()?.parse().ok()?,
        host: arrival.at.duration_since(start).as_secs_f64(),
        date: arrival.date.duration_since(UNIX_EPOCH).ok()?.as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The finding about a guest whose clock goes `rate` times as fast as the host's and `ahead` seconds before it.
    /// Its lines arrive up to 0.9 s late.
    fn found(rate: f64, ahead: f64, seconds: u32) -> Option<String> {
        let (start, date) = (Instant::now(), UNIX_EPOCH + Duration::from_secs(1000));
        let (mut console, mut arrivals) = (Vec::new(), Arrivals::default());
        for tenth in 0..seconds * 10 {
            let passed = f64::from(tenth) / 10.0;
            let shown = 1000.0 + ahead + passed * rate;
            console.extend(format!("it is {shown:.6} s\r\n").bytes());
            let late = Duration::from_millis(u64::from(tenth * 7 % 10) * 100);
            let passed = Duration::from_secs_f64(passed) + late;
            arrivals.0.push(Arrival {
                length: console.len(),
                at: start + passed,
                date: date + passed,
            });
        }
        finding("it is ", &console, &arrivals)
    }

    #[test]
    fn lines_that_come_late_are_forgiven_and_wrong_clocks_are_not() {
        assert_eq!(found(1.0, 0.0, 20), None);
        assert_eq!(found(1.008, 0.0, 20), None);
        for rate in [0.5, 0.98, 1.02, 2.0] {
            let finding = found(rate, 0.0, 60).unwrap_or_default();
            assert!(finding.contains("of the guest took"), "{rate}: {finding}");
        }
        assert!(found(1.0, 5.0, 20).is_some_and(|finding| finding.contains("date")));
        assert!(found(1.0, -5.0, 20).is_some_and(|finding| finding.contains("date")));
        assert!(found(1.0, 0.0, 5).is_some_and(|finding| finding.contains("watched")));
    }

    #[test]
    fn only_whole_dates_count() {
        let mut arrivals = Arrivals::default();
        let console = b"it is 17\r\n[disk] hm\r\nit is 17.5 s";
        arrivals.note(console.len());
        assert_eq!(readings("it is ", console, &arrivals).len(), 1);
        assert!(finding("it is ", b"it is late", &arrivals).is_some());
    }
}
