//! The profile of a command in a system's guest: everything that the machine executes from
//! the command's begin to its end, in the guest, its monitor, the servers and the kernel.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::program::Program;
use super::tally::{Functions, Tally};
use crate::bench;
use crate::products::Products;
use crate::program::{self, KERNEL, Options};
use crate::progress::step;
use crate::qemu::{Complaints, Control, Event, Machine, Session, Time, Watch};
use crate::system::ROOT_SERVER;
use crate::volume;
use crate::workspace::{self, Metadata};

const TIMEOUT: Duration = Duration::from_secs(1800);
const BEGIN: &str = "profile-begin";
const END: &str = "profile-end";

/// Prints the profile in the system of `manifest`, each count divided by `times`.
pub(crate) fn profile(
    metadata: &Metadata,
    manifest: &Path,
    preparation: &str,
    command: &str,
    times: u64,
    most: usize,
) -> Result<()> {
    let folder = workspace::path("target/profile");
    let script = format!(
        "set -e\n{preparation}\nmark() {{ echo profile-$1 >/dev/ttyS0; }}\n\
         mark begin\nsleep 1\n{command}\nmark end\nsleep 1\n"
    );
    let machine = bench::guest_machine(metadata, manifest, &folder, &script)?;
    let programs = programs(metadata, &folder)?;
    let (programs, tally) = step("Tracing the guest's command", || trace(&machine, programs))?;
    let functions = Functions::of(&programs, std::iter::once(&tally))?;
    println!("{} instructions", tally.total());
    functions.print(&tally, times, most);
    Ok(())
}

/// Traces the machine from its guest's mark to the next; answers the programs with the counts.
pub(super) fn trace(machine: &Machine, programs: Vec<Program>) -> Result<(Vec<Program>, Tally)> {
    let Time::Recorded { control_socket } = &machine.time else {
        bail!("the machine has no control socket");
    };
    let mut session = Session::start(machine, Complaints::Piped)?;
    let lines = session.take_complaints().context("QEMU says nothing")?;
    let follower = super::follow(lines, programs, Tally::default(), |tally, _, at| {
        tally.add(at);
    });
    let mut control = Control::connect(control_socket)?;
    attend(&mut session, &mut control)?;
    drop(session);
    follower
        .join()
        .map_err(|_| anyhow!("following the trace failed"))
}

/// Opens the volume, and traces from mark to mark.
fn attend(session: &mut Session, control: &mut Control) -> Result<()> {
    let deadline = Instant::now() + TIMEOUT;
    let (mut prompts, mut begins, mut ends) =
        (Watch::default(), Watch::default(), Watch::default());
    let mut console = Vec::new();
    loop {
        match session.next(deadline)? {
            Event::Output(bytes) => console.extend(bytes),
            Event::Ended(ending) => {
                let text = String::from_utf8_lossy(&console);
                bail!("the machine {ending} before the command ended:\n{text}");
            }
        }
        if prompts.sees(&console, volume::PROMPT) {
            session.send(&format!("{}\r", bench::PASSPHRASE))?;
        }
        if begins.sees(&console, BEGIN) {
            control.start_trace()?;
        }
        if ends.sees(&console, END) {
            control.stop_trace()?;
            return Ok(());
        }
    }
}

/// Everything that can run in the system, the kernel first.
pub(super) fn programs(metadata: &Metadata, folder: &Path) -> Result<Vec<Program>> {
    let mut files = vec![
        program::build_one(metadata, KERNEL, Options::default())?,
        program::build_one(metadata, ROOT_SERVER, Options::default())?,
    ];
    files.extend(Products::build(metadata)?.into_files());
    files
        .iter()
        .map(|file| Program::read(file, folder))
        .collect()
}
