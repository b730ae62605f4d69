//! Runs the tests that need no machine, by cargo.

use std::io::{self, BufRead, BufReader};
use std::process::Command;

use anyhow::{Context, Result};

use crate::commands::test::Tally;
use crate::program::Home;
use crate::progress::step;
use crate::workspace::{self, Metadata};

/// What the test harness says of a test that takes more than a minute.
const OVERDUE: &str = "has been running for over";

/// How much the tests that can go on for ever do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What they choose themselves: seconds.
    Usual,
    /// A million packets of each kind.
    Full,
}

impl Extent {
    /// Cargo, whose tests find in the environment how much they are to do.
    fn cargo(self) -> Command {
        let mut cargo = workspace::cargo();
        if self == Self::Full {
            cargo.env("SEKISHO_LONG_TESTS", "1");
        }
        cargo
    }
}

/// Runs the tests of every host crate and of the libraries beside freestanding programs.
pub(crate) fn run(metadata: &Metadata, extent: Extent) -> Result<Tally> {
    let mut host = extent.cargo();
    host.args(["test", "--workspace", "--no-fail-fast", "--quiet"]);
    let mut libraries = extent.cargo();
    libraries.args(["test", "--lib", "--no-fail-fast", "--quiet"]);
    let mut any_library = false;
    for package in &metadata.packages {
        if Home::of(package).is_some() {
            host.args(["--exclude", &package.name]);
            if package.has_library() {
                libraries.args(["--package", &package.name]);
                any_library = true;
            }
        }
    }
    if extent == Extent::Full {
        // Those are ignored that need programs which only this extent has installed.
        host.args(["--", "--include-ignored"]);
    }
    let mut tally = step("Running the host tests", || run_one(host))?;
    if any_library {
        let more = step("Running the programs' host tests", || run_one(libraries))?;
        tally.passed += more.passed;
        tally.failed += more.failed;
    }
    println!(
        "host tests: {} passed, {} failed",
        tally.passed, tally.failed
    );
    Ok(tally)
}

fn run_one(mut command: Command) -> Result<Tally> {
    let (output, input) = io::pipe()?;
    command.stdout(input.try_clone()?).stderr(input);
    let mut child = command.spawn().context("cargo cannot be started")?;
    // With it goes our end of the pipe, so that the output has an end.
    drop(command);
    let mut text = String::new();
    for line in BufReader::new(output).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned() + "\n";
        // Should it never end, this says which.
        if line.contains(OVERDUE) {
            print!("{line}");
        }
        text += &line;
    }
    let status = child.wait()?;
    let mut tally = count(&text);
    if !status.success() {
        println!("{text}");
        // What does not build fails once.
        tally.failed = tally.failed.max(1);
    }
    Ok(tally)
}

/// Adds up cargo's closing lines: `test result: ok. 3 passed; 0 failed; ...`.
fn count(output: &str) -> Tally {
    let mut tally = Tally::default();
    for line in output.lines() {
        let Some((_, numbers)) = line.split_once("test result: ") else {
            continue;
        };
        let number = |word: &str| -> usize {
            numbers
                .split([';', '.'])
                .find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok())
                .unwrap_or(0)
        };
        tally.passed += number("passed");
        tally.failed += number("failed");
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_add_up() {
        let tally = count(
            "running 3 tests\ntest result: ok. 3 passed; 0 failed; 0 ignored; finished in 0.00s\n\
             test result: FAILED. 1 passed; 2 failed; 0 ignored; finished in 1.20s\n",
        );
        assert_eq!((tally.passed, tally.failed), (4, 2));
    }
}
