//! Whether time passes for a guest as it does for the host.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use crate::qemu::find;

/// How far a guest's seconds may differ from the host's.
const TOLERANCE: f64 = 0.01;
/// Seconds by which the guest's date may differ from the host's: it is read from a clock without fractions.
const DATE_TOLERANCE: u64 = 2;

/// What must be true of time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) enum Timed {
    /// Between two texts on the console there lie so many seconds, within a hundredth.
    Span {
        from: String,
        to: String,
        seconds: u32,
    },
    /// Behind this text stands the date of the moment, in seconds since 1970.
    Date(String),
}

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

impl Timed {
    /// What is wrong, if anything is.
    pub(super) fn finding(&self, console: &[u8], arrivals: &Arrivals) -> Option<String> {
        match self {
            Timed::Span { from, to, seconds } => {
                let arrival = |text: &str| arrivals.of(find(console, text.as_bytes())?);
                let (Some(start), Some(end)) = (arrival(from), arrival(to)) else {
                    return Some(format!("{from:?} and {to:?} did not both appear"));
                };
                let span = end.at.saturating_duration_since(start.at);
                let wanted = Duration::from_secs((*seconds).into());
                let is_right = span.abs_diff(wanted) <= wanted.mul_f64(TOLERANCE);
                (!is_right).then(|| format!("{wanted:?} of the guest took {span:?}"))
            }
            Timed::Date(text) => {
                let place = find(console, text.as_bytes()).map(|at| at + text.len());
                let said = place.and_then(|place| {
                    let digits = console[place..].split(|byte| !byte.is_ascii_digit());
                    let digits = std::str::from_utf8(digits.into_iter().next()?).ok()?;
                    Some((digits.parse::<u64>().ok()?, arrivals.of(place)?))
                });
                let Some((said, arrival)) = said else {
                    return Some(format!("no date stands behind {text:?}"));
                };
                let right = arrival.date.duration_since(UNIX_EPOCH).ok()?.as_secs();
                (said.abs_diff(right) > DATE_TOLERANCE)
                    .then(|| format!("the guest's date is {said}, the host's {right}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(text: &str, console: &[u8], arrivals: &Arrivals) -> Option<String> {
        #[derive(Deserialize)]
        struct File {
            timed: Timed,
        }
        let file: File = toml::from_str(text).expect("the text is a condition");
        file.timed.finding(console, arrivals)
    }

    #[test]
    fn spans_and_dates_are_compared_with_the_hosts() {
        let start = Instant::now();
        let date = UNIX_EPOCH + Duration::from_secs(1000);
        let arrival = |length, milliseconds| Arrival {
            length,
            at: start + Duration::from_millis(milliseconds),
            date,
        };
        let console = b"from 999 then to";
        let arrivals = Arrivals(vec![arrival(4, 0), arrival(14, 500), arrival(16, 10_050)]);
        let span = |seconds| {
            let text =
                format!("timed = {{ span = {{ from = 'from', to = 'to', seconds = {seconds} }} }}");
            finding(&text, console, &arrivals)
        };
        assert_eq!(span(10), None);
        assert!(span(11).is_some());
        assert_eq!(
            finding("timed = { date = 'from ' }", console, &arrivals),
            None
        );
        assert!(finding("timed = { date = 'then ' }", console, &arrivals).is_some());
        assert!(finding("timed = { date = 'fr' }", b"fr 0", &arrivals).is_some());
    }
}
