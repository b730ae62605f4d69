//! Compares what happened with what must.

use std::collections::HashMap;

use super::file::{Boot, ExpectedEnding};
use super::time::{self, Arrivals};
use crate::qemu::{CommandOutput, Ending, find};

/// What happened in one boot.
pub(super) struct Outcome {
    /// Everything on the console.
    pub(super) console: Vec<u8>,
    /// When it came.
    pub(super) arrivals: Arrivals,
    /// What the guest's command printed.
    pub(super) command_output: Vec<u8>,
    /// How far the guest's command came.
    pub(super) command: CommandOutput,
    /// How many of the keystrokes found their text.
    pub(super) sent: usize,
    pub(super) ending: Ending,
    /// The exit status of what was started.
    pub(super) exit_code: Option<i32>,
}

/// What is wrong with the outcome, one line each.
pub(super) fn findings(boot: &Boot, outcome: &Outcome) -> Vec<String> {
    let mut findings = Vec::new();
    if boot.host.is_some() {
        findings.extend(status_finding(boot.host_status, outcome));
    } else if !ending_matches(boot.expected_ending(), outcome.ending) {
        findings.push(format!("the machine {}", outcome.ending));
    }
    findings.extend(missing(&boot.expect, &outcome.console));
    findings.extend(missing(&boot.exec_expect, &outcome.command_output));
    if let Some(text) = &boot.guest_clock {
        findings.extend(time::finding(text, &outcome.console, &outcome.arrivals));
    }
    for text in &boot.forbid {
        if find(&outcome.console, text.as_bytes()).is_some() {
            findings.push(format!("{text:?} appeared"));
        }
    }
    if let Some(unsent) = boot.send.get(outcome.sent) {
        findings.push(format!(
            "nothing was typed: {:?} did not appear while the machine ran",
            unsent.after
        ));
    }
    // A command whose machine is to lose its power need not end.
    if boot.exec.is_some() && boot.cut_power_after.is_none() {
        findings.extend(command_finding(boot.exec_status, outcome));
    }
    findings
}

/// Says of each text that does not stand behind the one before that it is missing. Components run side by side, so
/// lines of different components have no order: a text "[name] ..." stands behind the one before of the same name.
fn missing(texts: &[String], printed: &[u8]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut reached = HashMap::new();
    for text in texts {
        let from: &mut usize = reached.entry(component_of(text)).or_default();
        match find(&printed[*from..], text.as_bytes()) {
            Some(at) => *from += at + text.len(),
            None if find(printed, text.as_bytes()).is_some() => {
                findings.push(format!("{text:?} appeared, but not in its place"));
            }
            None => findings.push(format!("{text:?} did not appear")),
        }
    }
    findings
}

/// Whose line a text is the beginning of, if it says so.
fn component_of(text: &str) -> Option<&str> {
    Some(text.strip_prefix('[')?.split_once("] ")?.0)
}

fn command_finding(expected: u8, outcome: &Outcome) -> Option<String> {
    match outcome.command.status() {
        Some(status) if status == expected => None,
        Some(status) => Some(format!("the guest's command ended with {status}")),
        None if outcome.command.has_begun() => Some("the guest's command did not end".into()),
        None => Some("the guest's command did not begin".into()),
    }
}

fn status_finding(expected: i32, outcome: &Outcome) -> Option<String> {
    match outcome.exit_code {
        Some(code) if code == expected => None,
        Some(code) => Some(format!("the host's shell ended with {code}")),
        None => Some("the host's shell did not end".into()),
    }
}

fn ending_matches(expected: ExpectedEnding, ending: Ending) -> bool {
    let as_ending = match expected {
        ExpectedEnding::Passed => Ending::Passed,
        ExpectedEnding::Failed => Ending::Failed,
        ExpectedEnding::PoweredOff => Ending::PoweredOff,
        ExpectedEnding::KernelPanicked => Ending::KernelPanicked,
        ExpectedEnding::TimedOut => Ending::TimedOut,
        ExpectedEnding::PowerCut => Ending::PowerCut,
    };
    ending == as_ending
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boot(text: &str) -> Boot {
        toml::from_str(&format!("program = 'p'\n{text}")).expect("the text is a boot")
    }

    fn outcome(console: &str, ending: Ending) -> Outcome {
        Outcome {
            console: console.into(),
            arrivals: Arrivals::default(),
            command_output: Vec::new(),
            command: CommandOutput::new("scenario"),
            sent: 0,
            ending,
            exit_code: None,
        }
    }

    #[test]
    fn order_counts() {
        let boot = boot("expect = ['a', 'b']");
        assert!(findings(&boot, &outcome("xaxbx", Ending::Passed)).is_empty());
        assert_eq!(
            findings(&boot, &outcome("ba", Ending::Passed)),
            ["\"b\" appeared, but not in its place"]
        );
        assert_eq!(
            findings(&boot, &outcome("a", Ending::Passed)),
            ["\"b\" did not appear"]
        );
    }

    #[test]
    fn the_order_of_different_components_does_not_count() {
        let boot = boot("expect = ['[a] 1', '[b] 1', '[a] 2', '[b] 2']");
        assert!(findings(&boot, &outcome("[b] 1 [b] 2 [a] 1 [a] 2", Ending::Passed)).is_empty());
        assert_eq!(
            findings(&boot, &outcome("[b] 2 [b] 1 [a] 1 [a] 2", Ending::Passed)),
            ["\"[b] 2\" appeared, but not in its place"]
        );
    }

    #[test]
    fn the_ending_and_forbidden_texts_count() {
        let boot = boot("forbid = ['panic']");
        assert_eq!(
            findings(&boot, &outcome("a panic", Ending::TimedOut)),
            [
                "the machine was stopped: its time was up",
                "\"panic\" appeared"
            ]
        );
    }

    #[test]
    fn unsent_keystrokes_are_a_failure() {
        let boot = boot("send = [{ after = 'login', text = 'me' }]");
        assert_eq!(findings(&boot, &outcome("", Ending::Passed)).len(), 1);
    }
}
