//! Runs without a terminal: for scripts and for continuous integration.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::qemu::{CommandOutput, Complaints, Ending, Event, Machine, Session, find};
use crate::volume::PROMPT;

/// Bound of a run that executes a command.
const EXECUTE_TIMEOUT: Duration = Duration::from_secs(600);

/// Exit status when the time was up, as timeout(1) has it.
const TIME_WAS_UP: u8 = 124;
/// Exit status when the command could not be run to its end, or when some of its output was lost.
pub(crate) const NOT_RUN: u8 = 125;

/// How much of the console is shown when a command did not come to its end.
const LAST_LINES: usize = 30;

/// A passphrase that is typed when the console asks for it, once for each volume.
pub(crate) struct Passphrase(String);

/// What a monitor says before its guest's first instruction.
const GUEST_STARTS: &str = "the guest starts";

impl Passphrase {
    /// Reads the first line of the file.
    pub(crate) fn read(file: &Path) -> Result<Passphrase> {
        let bytes = fs::read(file)
            .with_context(|| format!("the passphrase file {} cannot be read", file.display()))?;
        let text = String::from_utf8(bytes)
            .with_context(|| format!("the passphrase file {} is no text", file.display()))?;
        let line = text.lines().next().unwrap_or("");
        ensure!(
            !line.is_empty(),
            "the passphrase file {} is empty",
            file.display()
        );
        Ok(Passphrase(line.to_owned()))
    }
}

/// A machine whose console is watched, and answered where it asks for the passphrases.
///
/// One question for each volume is answered, and none once a guest runs: a later one could be a
/// guest's imitation.
struct Attended {
    session: Session,
    console: Vec<u8>,
    /// Where the line starts that is not complete yet.
    line_start: usize,
    /// What is typed, in this order.
    answers: Vec<String>,
    deadline: Instant,
}

impl Attended {
    fn start(
        machine: &Machine,
        passphrase: Option<Passphrase>,
        timeout: Duration,
    ) -> Result<Attended> {
        Ok(Attended {
            session: Session::start(machine, Complaints::Shown)?,
            console: Vec::new(),
            line_start: 0,
            answers: match passphrase {
                Some(Passphrase(text)) => vec![text; machine.disks()],
                None => Vec::new(),
            },
            deadline: Instant::now() + timeout,
        })
    }

    fn next(&mut self) -> Result<Event> {
        let event = self.session.next(self.deadline)?;
        if let Event::Output(bytes) = &event {
            self.console.extend_from_slice(bytes);
            while let Some(length) = find(&self.console[self.line_start..], b"\n") {
                let line = &self.console[self.line_start..][..length];
                self.line_start += length + 1;
                let line = String::from_utf8_lossy(line);
                if let Some(why) = misfortune(&line) {
                    bail!(why);
                }
                if line.contains(GUEST_STARTS) {
                    self.answers.clear();
                } else if line.contains(PROMPT)
                    && let Some(text) = self.answers.pop()
                {
                    self.session.send(&format!("{text}\r"))?;
                }
            }
        }
        Ok(event)
    }
}

/// What a line on the console says of why it makes no sense to wait any longer.
///
/// A guest can print such a line too: it ends its own machine by that.
fn misfortune(line: &str) -> Option<String> {
    let (label, text) = line.trim_end().strip_prefix('[')?.split_once("] ")?;
    let is_volume = text.starts_with("the volume stays closed: ");
    let is_end =
        label == "supervisor" && (text.contains(" crashed: ") || text.contains(" is stopped: "));
    if text.starts_with("wrong passphrase") {
        Some("the volume refuses the passphrase in the file".into())
    } else if is_volume || is_end {
        Some(text.into())
    } else {
        None
    }
}

/// Prints what the console prints until the machine ends.
pub(crate) fn show(
    machine: &Machine,
    passphrase: Option<Passphrase>,
    timeout: Option<Duration>,
) -> Result<ExitCode> {
    const FOR_EVER: Duration = Duration::from_secs(u32::MAX as u64);
    let mut attended = Attended::start(machine, passphrase, timeout.unwrap_or(FOR_EVER))?;
    loop {
        match attended.next()? {
            Event::Output(bytes) => print(&bytes)?,
            Event::Ended(ending) => {
                eprintln!("the machine {ending}");
                return Ok(ending.exit_code());
            }
        }
    }
}

/// Prints what the guest's command prints, and ends with its status.
pub(crate) fn execute(
    machine: &Machine,
    nonce: &str,
    passphrase: Option<Passphrase>,
    timeout: Option<Duration>,
) -> Result<ExitCode> {
    let timeout = timeout.unwrap_or(EXECUTE_TIMEOUT);
    let mut attended = Attended::start(machine, passphrase, timeout)?;
    let mut command = CommandOutput::new(nonce);
    loop {
        match attended.next()? {
            Event::Output(bytes) => print(&command.feed(&bytes))?,
            Event::Ended(ending) => {
                return Ok(match (command.status(), ending) {
                    (Some(_), _) if command.lost_lines() > 0 => {
                        let lost = command.lost_lines();
                        eprintln!("error: {lost} lines of the command's output were lost");
                        ExitCode::from(NOT_RUN)
                    }
                    (Some(status), _) => ExitCode::from(status),
                    (None, ending) => {
                        complain(&attended.console, &command, ending);
                        let timed_out = ending == Ending::TimedOut;
                        ExitCode::from(if timed_out { TIME_WAS_UP } else { NOT_RUN })
                    }
                });
            }
        }
    }
}

/// Says why there is no status, and what the console showed last.
fn complain(console: &[u8], command: &CommandOutput, ending: Ending) {
    let text = String::from_utf8_lossy(console);
    let lines: Vec<_> = text.lines().collect();
    for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
        eprintln!("console: {line}");
    }
    let stage = if command.has_begun() {
        "before the command ended"
    } else {
        "before the command began"
    };
    eprintln!("error: the machine {ending} {stage}");
}

fn print(bytes: &[u8]) -> Result<()> {
    let mut output = std::io::stdout();
    output
        .write_all(bytes)
        .and_then(|()| output.flush())
        .context("standard output cannot be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ends_a_run_is_a_misfortune() {
        let why = |line| misfortune(line).unwrap_or_default();
        assert_eq!(
            why("[disk-crypto] wrong passphrase; the next try is in 2 seconds\r"),
            "the volume refuses the passphrase in the file"
        );
        assert_eq!(
            why("[disk-crypto] the volume stays closed: the device failed\r"),
            "the volume stays closed: the device failed"
        );
        assert_eq!(
            why("[supervisor] disk is stopped: division error"),
            "disk is stopped: division error"
        );
        for line in [
            "wrong passphrase",
            "[disk] a disk of 4 MiB",
            "[x] y is stopped: z",
            "[",
            "",
        ] {
            assert_eq!(misfortune(line), None);
        }
    }
}
