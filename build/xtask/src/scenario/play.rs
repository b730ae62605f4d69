//! Runs a scenario whose machines are ready.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::damage::{self, Damage};
use super::echo::Echoes;
use super::file::{Boot, Passphrase};
use super::judge::{self, Outcome};
use super::stage::Stage;
use super::time::Arrivals;
use super::{Prepared, SCENARIO_NONCE, disk, host_shell, inside, last_words};
use crate::host_tests::Extent;
use crate::peer;
use crate::qemu::{CommandOutput, Complaints, Event, Session, Watch};
use crate::volume;

/// What came of a scenario.
pub(crate) struct Verdict {
    /// What is wrong, one line each.
    pub(crate) findings: Vec<String>,
    /// If something is, the end of what was printed, line by line.
    pub(crate) last_words: Vec<String>,
    /// Where the consoles' logs are.
    pub(crate) logs: PathBuf,
    pub(crate) duration: Duration,
}

/// Plays every boot in order and stops at the first that goes wrong.
pub(crate) fn play(prepared: &Prepared<'_>, extent: Extent) -> Verdict {
    let started = Instant::now();
    let played = play_boots(prepared, extent).unwrap_or_else(|error| Played {
        findings: vec![format!("{error:#}")],
        last_words: Vec::new(),
    });
    Verdict {
        findings: played.findings,
        last_words: played.last_words,
        logs: prepared.folder.clone(),
        duration: started.elapsed(),
    }
}

/// What came of one boot, or of all.
#[derive(Default)]
struct Played {
    findings: Vec<String>,
    last_words: Vec<String>,
}

fn play_boots(prepared: &Prepared<'_>, extent: Extent) -> Result<Played> {
    let scenario = prepared.scenario;
    let mut stage = Stage::new(prepared, extent)?;
    for number in 0..scenario.boot.len() {
        let mut played = match prepared.disks.first() {
            Some(image) => play_on_disk(prepared, number, image, &mut stage)?,
            None => play_logged(prepared, number, &mut stage)?,
        };
        if !played.findings.is_empty() {
            for finding in &mut played.findings {
                *finding = format!("boot {}: {finding}", number + 1);
            }
            return Ok(played);
        }
    }
    let mut played = Played::default();
    for image in &prepared.disks {
        let visible = disk::visible(image, &scenario.disk_must_not_contain)?;
        let finding = |text| format!("{} holds {text:?}", image.display());
        played.findings.extend(visible.into_iter().map(finding));
    }
    Ok(played)
}

/// Plays a boot whose disk may be damaged before, and looked at afterwards.
fn play_on_disk(
    prepared: &Prepared<'_>,
    number: usize,
    disk: &Path,
    stage: &mut Stage,
) -> Result<Played> {
    let boots = &prepared.scenario.boot;
    let earlier = disk.with_file_name("earlier.img");
    let no_damage = Damage::default();
    let damage = boots[number].disk.as_ref().unwrap_or(&no_damage);
    let image = damage.image(disk);
    if damage.to_a_copy {
        damage::copy(disk, &image)?;
    }
    damage.apply(&image, &earlier)?;
    let next = boots.get(number + 1).and_then(|boot| boot.disk.as_ref());
    if next.is_some_and(Damage::looks_back) {
        damage::copy(disk, &earlier)?;
    }
    if !damage.stays_unchanged {
        return play_logged(prepared, number, stage);
    }
    let before = disk::digest(&image)?;
    let mut played = play_logged(prepared, number, stage)?;
    if disk::digest(&image)? != before {
        played.findings.push("the disk has changed".into());
    }
    Ok(played)
}

/// Plays a boot and keeps what the console showed.
fn play_logged(prepared: &Prepared<'_>, number: usize, stage: &mut Stage) -> Result<Played> {
    let boot = &prepared.scenario.boot[number];
    let log = prepared.folder.join(format!("console-{}.log", number + 1));
    let complaints = log.with_extension("qemu.log");
    let timeout = Duration::from_secs(prepared.scenario.timeout_seconds);
    let timeout = timeout + stage.time_for_floods(boot);
    let echoes = Echoes::start(&boot.udp_echo)?;
    let machine = &prepared.machines[number];
    let session = match machine {
        Some(machine) => {
            let socket = Stage::open_socket(machine)?;
            let session = Session::start(machine, Complaints::Kept(&complaints))?;
            if let Some(socket) = socket {
                stage.start_network(socket, boot, machine, session.remarks())?;
            }
            session
        }
        None => host_shell::start(
            boot,
            &prepared.folder,
            prepared.disks.first().map(PathBuf::as_path),
        )?,
    };
    let outcome = play_boot(boot, session, Instant::now() + timeout, stage)?;
    drop(echoes);
    fs::write(&log, &outcome.console)
        .with_context(|| format!("{} cannot be written", log.display()))?;
    let mut findings = judge::findings(boot, &outcome);
    let frames = machine.as_ref().map(|machine| stage.frames(machine));
    if let (Some(wire), Some(frames)) = (&boot.wire, frames.transpose()?.flatten()) {
        findings.extend(wire.findings(&frames));
    }
    if boot.inside.len() > prepared.peers.len() {
        findings.push("`inside` has more entries than there are peers".into());
    }
    for (inside, peer) in boot.inside.iter().zip(&prepared.peers) {
        let place = |finding| format!("at {}: {finding}", peer.display());
        let seen = inside.findings(&inside::capture(peer))?;
        findings.extend(seen.into_iter().map(place));
    }
    let mut last_words = Vec::new();
    if !findings.is_empty() {
        last_words = last_words::of_boot(&outcome);
        last_words.extend(last_words::of_file(&complaints, "QEMU said"));
        for peer in &prepared.peers {
            let log = peer::complaints(peer);
            last_words.extend(last_words::of_file(&log, "the tunnel's other end said"));
        }
    }
    Ok(Played {
        findings,
        last_words,
    })
}

fn play_boot(
    boot: &Boot,
    mut session: Session,
    deadline: Instant,
    stage: &mut Stage,
) -> Result<Outcome> {
    let mut command = CommandOutput::new(SCENARIO_NONCE);
    let mut console = Vec::new();
    let mut arrivals = Arrivals::default();
    let mut command_output = Vec::new();
    let mut sent = 0;
    let mut cues = Watch::default();
    let mut prompts = Watch::default();
    let mut power_cuts = Watch::default();
    let (ending, exit_code) = loop {
        match session.next(deadline)? {
            Event::Output(bytes) => {
                command_output.extend(command.feed(&bytes));
                console.extend(bytes);
                arrivals.note(console.len());
            }
            Event::Ended(ending) => break (ending, session.exit_code()),
        }
        while let Some(send) = boot.send.get(sent)
            && cues.sees(&console, &send.after)
        {
            for deed in &send.deeds {
                stage.act(deed)?;
            }
            if session.send(&send.text).is_err() {
                // It is gone, and its end comes next.
                break;
            }
            sent += 1;
        }
        // On the host it is for `cargo xtask run` to type it.
        let types = boot.passphrase == Passphrase::Typed && boot.host.is_none();
        if types && prompts.sees(&console, volume::PROMPT) {
            // Who is gone takes nothing; its end comes next.
            let _ = session.send(&format!("{}\r", disk::PASSPHRASE));
        }
        if let Some(text) = &boot.cut_power_after
            && power_cuts.sees(&console, text)
        {
            break (session.cut_power(), None);
        }
    };
    command_output.extend(command.take_rest());
    Ok(Outcome {
        console,
        arrivals,
        command_output,
        command,
        sent,
        ending,
        exit_code,
    })
}
