//! Runs a scenario whose machines are ready.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::disk;
use super::file::{Boot, Passphrase};
use super::judge::{self, Outcome};
use super::{Prepared, SCENARIO_NONCE};
use crate::qemu::{CommandOutput, Complaints, Event, Machine, Session, Watch};
use crate::volume;

/// What came of a scenario.
pub(crate) struct Verdict {
    /// What is wrong, one line each.
    pub(crate) findings: Vec<String>,
    /// Where the consoles' logs are.
    pub(crate) logs: PathBuf,
    pub(crate) duration: Duration,
}

/// Plays every boot in order and stops at the first that goes wrong.
pub(crate) fn play(prepared: &Prepared<'_>) -> Verdict {
    let started = Instant::now();
    let findings = play_boots(prepared).unwrap_or_else(|error| vec![format!("{error:#}")]);
    Verdict {
        findings,
        logs: prepared.folder.clone(),
        duration: started.elapsed(),
    }
}

fn play_boots(prepared: &Prepared<'_>) -> Result<Vec<String>> {
    let scenario = prepared.scenario;
    let timeout = Duration::from_secs(scenario.timeout_seconds);
    for (number, (boot, machine)) in (1..).zip(scenario.boot.iter().zip(&prepared.machines)) {
        let log = prepared.folder.join(format!("console-{number}.log"));
        if let Some(image) = &prepared.disk {
            disk::flip_bytes(image, &boot.flip_disk_bytes)?;
        }
        let outcome = play_boot(boot, machine, &log, Instant::now() + timeout)?;
        fs::write(&log, &outcome.console)
            .with_context(|| format!("{} cannot be written", log.display()))?;
        let findings = judge::findings(boot, &outcome);
        if !findings.is_empty() {
            let place = |finding| format!("boot {number}: {finding}");
            return Ok(findings.into_iter().map(place).collect());
        }
    }
    let Some(image) = &prepared.disk else {
        return Ok(Vec::new());
    };
    let visible = disk::visible(image, &scenario.disk_must_not_contain)?;
    let finding = |text| format!("the disk image holds {text:?}");
    Ok(visible.into_iter().map(finding).collect())
}

fn play_boot(boot: &Boot, machine: &Machine, log: &Path, deadline: Instant) -> Result<Outcome> {
    let mut session = Session::start(machine, Complaints::Kept(&log.with_extension("qemu.log")))?;
    let mut command = CommandOutput::new(SCENARIO_NONCE);
    let mut console = Vec::new();
    let mut command_output = Vec::new();
    let mut sent = 0;
    let mut cues = Watch::default();
    let mut prompts = Watch::default();
    loop {
        match session.next(deadline)? {
            Event::Output(bytes) => {
                command_output.extend(command.feed(&bytes));
                console.extend(bytes);
                while let Some(send) = boot.send.get(sent)
                    && cues.sees(&console, &send.after)
                {
                    session.send(&send.text)?;
                    sent += 1;
                }
                if boot.passphrase == Passphrase::Typed && prompts.sees(&console, volume::PROMPT) {
                    session.send(&format!("{}\r", disk::PASSPHRASE))?;
                }
            }
            Event::Ended(ending) => {
                return Ok(Outcome {
                    console,
                    command_output,
                    command,
                    sent,
                    ending,
                });
            }
        }
    }
}
