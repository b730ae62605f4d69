//! From what was read at the marks to figures.

use anyhow::{Context, Result, ensure};

use super::course::{Course, PACKETS, SEGMENT};
use crate::bench::machines::NONCE;
use crate::bench::{Figure, guest};
use crate::qemu::CommandOutput;

/// What was read at one mark, outside and inside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reading {
    /// Instructions executed.
    instructions: u64,
    /// Frames that had come from the machine.
    frames: u64,
    /// The guest's time.
    nanoseconds: u64,
    /// Datagrams that the guest's program had got.
    datagrams: u64,
}

impl Reading {
    /// Joins what was counted outside with what the guest said.
    pub(super) fn all(counts: &[(u64, u64)], console: &[u8]) -> Result<Vec<Reading>> {
        let mut output = CommandOutput::new(NONCE);
        let mut said = output.feed(console);
        said.extend(output.take_rest());
        let said = String::from_utf8_lossy(&said);
        let said: Vec<_> = said.lines().filter_map(parse).collect();
        ensure!(
            said.len() == counts.len(),
            "the guest took {} steps and told of {}",
            counts.len(),
            said.len()
        );
        let join = |((instructions, frames), (nanoseconds, datagrams)): (&(u64, u64), _)| Reading {
            instructions: *instructions,
            frames: *frames,
            nanoseconds,
            datagrams,
        };
        Ok(counts.iter().zip(said).map(join).collect())
    }
}

/// The guest's time and count in a line of its readings.
fn parse(line: &str) -> Option<(u64, u64)> {
    let (time, count) = line.strip_prefix("reading ")?.split_once(' ')?;
    Some((time.parse().ok()?, count.parse().ok()?))
}

/// The figures from three readings for each course.
pub(super) fn figures(
    prefix: &str,
    courses: &[Course],
    readings: &[Reading],
) -> Result<Vec<Figure>> {
    ensure!(
        readings.len() == 3 * courses.len(),
        "the guest took {} steps",
        readings.len()
    );
    let mut figures = Vec::new();
    for (course, readings) in courses.iter().zip(readings.chunks(3)) {
        let name = format!("{prefix}-{}", course.name());
        let found = of_course(&name, *course, readings);
        figures.extend(found.with_context(|| format!("{name} was not measured"))?);
    }
    Ok(figures)
}

/// Instructions for a packet that passed; Mbit/s of what these are, and for datagrams packets in a second and, if any were
/// lost, how many.
fn of_course(name: &str, course: Course, readings: &[Reading]) -> Result<Vec<Figure>> {
    let longer = |what: fn(&Reading) -> u64| {
        let [before, short, long] = readings else {
            anyhow::bail!("a step is missing");
        };
        guest::difference([what(before), what(short), what(long)])
    };
    let sent = PACKETS[1] - PACKETS[0];
    let (packets, payload) = match course {
        Course::DatagramsUp(length) => (longer(|reading| reading.frames)?, length),
        Course::DatagramsDown(length) => (longer(|reading| reading.datagrams)?, length),
        Course::ConnectionUp | Course::ConnectionDown => (sent, SEGMENT),
    };
    ensure!(packets > 0, "of {sent} packets none passed");
    let instructions = longer(|reading| reading.instructions)?;
    let nanoseconds = longer(|reading| reading.nanoseconds)?;
    let speed = packets * payload * 8 * 1000 / nanoseconds.max(1);
    let rate = packets * 1_000_000_000 / nanoseconds.max(1);
    let mut figures = vec![
        Figure::new(name, instructions / packets, "instructions"),
        Figure::new(&format!("{name}-speed"), speed, "Mbit/s"),
    ];
    if matches!(course, Course::DatagramsUp(_) | Course::DatagramsDown(_)) {
        figures.push(Figure::new(&format!("{name}-rate"), rate, "packets/s"));
    }
    // Others' few frames pass too.
    let lost = sent.saturating_sub(packets) * 100 / sent;
    if lost > 0 {
        figures.push(Figure::new(&format!("{name}-lost"), lost, "percent"));
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readings of one course with that much for each packet, of which one in `lost_each` is lost, and the same for
    /// anything else.
    fn readings(instructions: u64, nanoseconds: u64, lost_each: u64) -> Vec<Reading> {
        let mut reading = Reading {
            instructions: 1_000_000,
            frames: 7,
            nanoseconds: 3_000_000,
            datagrams: 0,
        };
        let mut readings = vec![reading];
        for packets in PACKETS {
            let passed = packets - packets / lost_each;
            reading.instructions += passed * instructions + 70_000;
            reading.nanoseconds += passed * nanoseconds + 2_000_000;
            reading.frames += passed + 9;
            reading.datagrams += passed;
            readings.push(reading);
        }
        readings
    }

    fn shown(course: Course, readings: &[Reading]) -> Vec<String> {
        let figures = figures("tunnel", &[course], readings).expect("all is there");
        let show = |figure: &Figure| format!("{} {} {}", figure.name, figure.value, figure.unit);
        figures.iter().map(show).collect()
    }

    #[test]
    fn what_both_runs_have_in_common_cancels() {
        let readings = readings(20_000, 40_000, u64::MAX);
        let datagrams = [
            "tunnel-udp-up 20000 instructions",
            "tunnel-udp-up-speed 280 Mbit/s",
            "tunnel-udp-up-rate 25000 packets/s",
        ];
        assert_eq!(shown(Course::DatagramsUp(1400), &readings), datagrams);
        let connection = [
            "tunnel-tcp-down 20000 instructions",
            "tunnel-tcp-down-speed 280 Mbit/s",
        ];
        assert_eq!(shown(Course::ConnectionDown, &readings), connection);
        assert!(figures("tunnel", &Course::ALL, &readings).is_err());
    }

    #[test]
    fn what_was_lost_is_said_and_counts_for_nothing() {
        let datagrams = [
            "tunnel-udp-64-down 20000 instructions",
            "tunnel-udp-64-down-speed 12 Mbit/s",
            "tunnel-udp-64-down-rate 25000 packets/s",
            "tunnel-udp-64-down-lost 10 percent",
        ];
        let readings = readings(20_000, 40_000, 10);
        assert_eq!(shown(Course::DatagramsDown(64), &readings), datagrams);
    }

    #[test]
    fn the_guest_says_each_reading_on_the_console() {
        // "reading 12 3" in base64.
        let console = b"bench begin\nbench 1 cmVhZGluZyAxMiAzCg== .\nbench end 0 .\n";
        let read = Reading::all(&[(5, 6)], console).expect("it was said");
        let expected = Reading {
            instructions: 5,
            frames: 6,
            nanoseconds: 12,
            datagrams: 3,
        };
        assert_eq!(read, [expected]);
        assert!(Reading::all(&[], console).is_err());
    }
}
