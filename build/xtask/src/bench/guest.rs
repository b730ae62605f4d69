//! What the guest's disk and start cost, from the guest's side of everything.
//!
//! The guest marks the borders of its steps on the console; at each mark the machine's count of
//! executed instructions is read from outside. That is up to some million instructions late, so steps
//! are long, and each figure is the difference of two steps of unlike length: what both have in
//! common (starting dd, printing the mark) cancels.
//!
//! All of it is measured in the system without a network, and the disk once more in a system that is the same but
//! for a component that encrypts nothing.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Figure;
use super::machines::{self, NONCE, PASSPHRASE};
use crate::progress::step;
use crate::qemu::{Complaints, Control, Event, Machine, Session, Time, Watch};
use crate::system::WITHOUT_NETWORK;
use crate::volume;
use crate::workspace::{self, Metadata};

const TIMEOUT: Duration = Duration::from_secs(1800);

/// Blocks of 4 KiB in the short and the long step.
const BLOCKS: [u64; 2] = [200, 1200];
/// Mebibytes in the short and the long sequential step; the long one is 64 MiB longer.
const MEBIBYTES: [u64; 2] = [64, 128];

/// What stands between the guest and the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    /// `disk-crypto`, as in that system.
    Encryption,
    /// A component that hands on what it gets.
    PassThrough,
}

/// One measured operation: its figures' names, and dd's arguments but for the count.
struct Operation {
    /// With encryption, without.
    names: [&'static str; 2],
    dd: &'static str,
    counts: [u64; 2],
    /// How many of the units of `dd` one figure is about.
    per: u64,
}

const OPERATIONS: [Operation; 4] = [
    Operation {
        names: ["guest-disk-write-4k", "pass-through-write-4k"],
        dd: "if=/dev/zero of=/dev/vda bs=4k oflag=direct",
        counts: BLOCKS,
        per: 1,
    },
    Operation {
        names: ["guest-disk-read-4k", "pass-through-read-4k"],
        dd: "if=/dev/vda of=/dev/null bs=4k iflag=direct",
        counts: BLOCKS,
        per: 1,
    },
    Operation {
        names: ["guest-disk-write-64m", "pass-through-write-64m"],
        dd: "if=/dev/zero of=/dev/vda bs=1M oflag=direct",
        counts: MEBIBYTES,
        per: 64,
    },
    Operation {
        names: ["guest-disk-read-64m", "pass-through-read-64m"],
        dd: "if=/dev/vda of=/dev/null bs=1M iflag=direct",
        counts: MEBIBYTES,
        per: 64,
    },
];

/// Boots a system with a fresh disk and measures it.
pub(super) fn measure(metadata: &Metadata, between: Between) -> Result<Vec<Figure>> {
    let folder = workspace::path("target/bench/guest");
    let what = match between {
        Between::Encryption => "Measuring the guest's start and disk",
        Between::PassThrough => "Measuring the guest's disk without encryption",
    };
    let machine = match between {
        Between::Encryption => {
            let manifest = workspace::path(WITHOUT_NETWORK);
            machines::encrypted(metadata, &manifest, &folder, &script())?
        }
        Between::PassThrough => machines::not_encrypted(metadata, &folder, &script())?,
    };
    let counts = step(what, || marks(&machine, &folder, &BEGINNINGS))?;
    figures(&counts, between)
}

/// What the guest does: it gives up the file system, writes every block once so that all later
/// writes find the same, and takes the steps between marks.
fn script() -> String {
    let mut script = String::from(
        "set -e\numount /data\nmark() { echo mark >/dev/ttyS0; }\n\
         dd if=/dev/zero of=/dev/vda bs=1M count=128 oflag=direct\nmark\n",
    );
    for operation in &OPERATIONS {
        for count in operation.counts {
            let dd = operation.dd;
            script += &format!("dd {dd} count={count}\nmark\n");
        }
    }
    script
}

/// What appears before the guest's first instruction, and when its session begins.
pub(super) const BEGINNINGS: [&str; 2] = ["the guest starts", "bench begin"];

/// The count of instructions when each of the texts in `first` appeared, one after another, and at each of the guest's
/// marks behind them.
pub(super) fn marks(machine: &Machine, folder: &Path, first: &[&str]) -> Result<Vec<u64>> {
    let (counts, _console) = readings(machine, folder, first, Control::executed)?;
    Ok(counts)
}

/// What `read` found when each of these texts and marks appeared, and the console.
pub(super) fn readings<T>(
    machine: &Machine,
    folder: &Path,
    first: &[&str],
    mut read: impl FnMut(&mut Control) -> Result<T>,
) -> Result<(Vec<T>, Vec<u8>)> {
    let Time::Recorded { control_socket } = &machine.time else {
        bail!("the machine does not count its instructions");
    };
    let mut session = Session::start(machine, Complaints::Kept(&folder.join("qemu.log")))?;
    let mut control = Control::connect(control_socket)?;
    let deadline = Instant::now() + TIMEOUT;
    let (mut prompts, mut steps) = (Watch::default(), Watch::default());
    let mut console = Vec::new();
    let mut found = Vec::new();
    loop {
        match session.next(deadline)? {
            Event::Output(bytes) => console.extend(bytes),
            Event::Ended(ending) => {
                let text = String::from_utf8_lossy(&console);
                fs::write(folder.join("console.log"), &console)?;
                ensure!(
                    text.contains(&format!("{NONCE} end 0 .")),
                    "the machine {ending} before the guest was done; its console is in {}",
                    folder.join("console.log").display()
                );
                return Ok((found, console));
            }
        }
        if prompts.sees(&console, volume::PROMPT) {
            session.send(&format!("{PASSPHRASE}\r"))?;
        }
        let next = first.get(found.len()).unwrap_or(&"mark");
        if steps.sees(&console, next) {
            found.push(read(&mut control)?);
        }
    }
}

/// What the longer of two steps takes beyond the shorter, from the counts before, between and behind them.
pub(super) fn difference([before, short, long]: [u64; 3]) -> Result<u64> {
    let difference = (long - short).checked_sub(short - before);
    difference.context("the longer step took fewer instructions")
}

/// The figures from the counts: the guest's start, its session's begin, the first mark, then two for each
/// operation.
fn figures(counts: &[u64], between: Between) -> Result<Vec<Figure>> {
    let [before_guest, session, steps @ ..] = counts else {
        bail!("the guest did not start");
    };
    ensure!(
        steps.len() == 1 + 2 * OPERATIONS.len(),
        "the guest took {} steps",
        steps.len()
    );
    let figure = |name, value| Figure::new(name, value, "instructions");
    let mut figures = match between {
        Between::Encryption => vec![
            figure("start-before-guest", *before_guest),
            figure("start-to-guest-shell", *session),
        ],
        Between::PassThrough => Vec::new(),
    };
    for (operation, window) in OPERATIONS.iter().zip(steps.windows(3).step_by(2)) {
        let [before, short, long] = window else {
            bail!("a step is missing");
        };
        let units = operation.counts[1] - operation.counts[0];
        let value = difference([*before, *short, *long])? * operation.per / units;
        let name = match between {
            Between::Encryption => operation.names[0],
            Between::PassThrough => operation.names[1],
        };
        figures.push(figure(name, value));
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steps_have_in_common_cancels() {
        let common = 1_000_000;
        let mut counts = vec![300_000_000, 5_000_000_000, 6_000_000_000];
        for (operation, cost) in OPERATIONS.iter().zip([40_000, 30_000, 500_000, 400_000]) {
            for count in operation.counts {
                let last = counts[counts.len() - 1];
                counts.push(last + common + count * cost);
            }
        }
        let values = |between| -> Vec<_> {
            let figures = figures(&counts, between).expect("all steps are there");
            figures.iter().map(|figure| figure.value).collect()
        };
        let disk = [40_000, 30_000, 64 * 500_000, 64 * 400_000];
        let start = [300_000_000, 5_000_000_000];
        assert_eq!(values(Between::Encryption), [&start[..], &disk].concat());
        assert_eq!(values(Between::PassThrough), disk);
        assert!(figures(&counts[1..], Between::PassThrough).is_err());
    }
}
