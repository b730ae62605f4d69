//! What a scenario that failed leaves to read: the ends of its logs, for whoever has nothing but this tool's output.

use std::fs;
use std::path::Path;
use std::time::Instant;

use super::SCENARIO_NONCE;
use super::judge::Outcome;

/// Lines of the console, and of the output of a guest's command.
const LAST_LINES: usize = 40;
/// Lines of what others said beside it.
const LAST_LINES_BESIDE: usize = 10;
/// Characters of a line.
const LINE_LENGTH: usize = 200;

/// The ends of what a boot printed, with a heading each.
pub(super) fn of_boot(outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    let command = ends(&outcome.command_output, LAST_LINES);
    section(&mut lines, "the guest's command printed", command);
    // The command's output travels over the console in pieces, which nobody can read.
    let console = String::from_utf8_lossy(&outcome.console);
    let readable: Vec<_> = console.lines().filter(|line| !is_piece(line)).collect();
    let mut heading = "the console's last lines".to_owned();
    if let Some(at) = outcome.arrivals.last() {
        let silence = Instant::now().saturating_duration_since(at).as_secs();
        heading += &format!(" (then {silence} s of silence)");
    }
    section(&mut lines, &heading, last(&readable, LAST_LINES));
    lines
}

/// The end of a file that somebody wrote beside the console, if there is anything in it.
pub(super) fn of_file(file: &Path, heading: &str) -> Vec<String> {
    let mut lines = Vec::new();
    // What was never written says nothing.
    let text = fs::read(file).unwrap_or_default();
    section(&mut lines, heading, ends(&text, LAST_LINES_BESIDE));
    lines
}

fn section(lines: &mut Vec<String>, heading: &str, content: Vec<String>) {
    if !content.is_empty() {
        lines.push(format!("{heading}:"));
        lines.extend(content.into_iter().map(|line| format!("| {line}")));
    }
}

fn ends(bytes: &[u8], count: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    last(&text.lines().collect::<Vec<_>>(), count)
}

/// The last lines as they can be shown: a line that comes again and again once, and all that is no text as escapes.
fn last(lines: &[&str], count: usize) -> Vec<String> {
    let mut shown = Vec::new();
    let runs: Vec<_> = lines.chunk_by(|one, next| one == next).collect();
    for run in &runs[runs.len().saturating_sub(count)..] {
        let mut line = plain(run[0]);
        if run.len() > 1 {
            line += &format!(" ({} times)", run.len());
        }
        shown.push(line);
    }
    shown
}

fn plain(line: &str) -> String {
    let line = line.trim_end();
    let mut text: String = line.chars().take(LINE_LENGTH).collect();
    if text.len() < line.len() {
        text.push('…');
    }
    let escape = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// Whether this is a numbered line of the output of a guest's command.
fn is_piece(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some(SCENARIO_NONCE)
        && words
            .next()
            .is_some_and(|number| number.parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qemu::{CommandOutput, Ending};
    use crate::scenario::time::Arrivals;

    fn words(console: &str, command_output: &str) -> Vec<String> {
        of_boot(&Outcome {
            console: console.into(),
            arrivals: Arrivals::default(),
            command_output: command_output.into(),
            command: CommandOutput::new(SCENARIO_NONCE),
            sent: 0,
            ending: Ending::TimedOut,
            exit_code: None,
        })
    }

    #[test]
    fn the_end_is_shown_and_can_be_read() {
        let lines: String = (0..100)
            .map(|number| format!("line {number}\r\n"))
            .collect();
        let shown = words(&lines, "");
        assert_eq!(shown.len(), 1 + LAST_LINES);
        assert_eq!(shown[1], "| line 60");
        assert_eq!(shown.last().map(String::as_str), Some("| line 99"));
        let colours = words("\x1b[1mfat\x1b[0m", "");
        assert_eq!(colours[1], r"| \u{1b}[1mfat\u{1b}[0m");
        let long = words(&"x".repeat(1000), "");
        assert_eq!(long[1].chars().count(), "| ".len() + LINE_LENGTH + 1);
        assert_eq!(words("", ""), Vec::<String>::new());
    }

    #[test]
    fn pieces_of_the_commands_output_are_shown_as_what_they_say() {
        let console = "scenario begin\nscenario 1 aGVsbG8K .\n[disk] hm\n[disk] hm\n";
        let expected = [
            "the guest's command printed:",
            "| hello",
            "the console's last lines:",
            "| scenario begin",
            "| [disk] hm (2 times)",
        ];
        assert_eq!(words(console, "hello\n"), expected);
    }
}
