//! What the guest's disk and start cost, from the guest's side of everything.
//!
//! The guest marks the borders of its steps on the console; at each mark the machine's count of
//! executed instructions is read from outside. That is some thousand instructions late, so steps
//! are long, and each figure is the difference of two steps of unlike length: what both have in
//! common (starting dd, printing the mark) cancels.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Figure;
use crate::guest::{GuestCommand, GuestOptions};
use crate::program::{self, KERNEL, Options};
use crate::progress::step;
use crate::qemu::{Complaints, Control, Event, Machine, Session, Time, Watch};
use crate::system::{self, DEFAULT_MANIFEST};
use crate::volume;
use crate::workspace::{self, Metadata};

/// Opens the volume.
pub(crate) const PASSPHRASE: &str = "bench";
const VOLUME_SIZE: &str = "512M";
const NONCE: &str = "bench";
const TIMEOUT: Duration = Duration::from_secs(1800);

/// Blocks of 4 KiB in the short and the long step.
const BLOCKS: [u64; 2] = [200, 1200];
/// Mebibytes in the short and the long sequential step; the long one is 64 MiB longer.
const MEBIBYTES: [u64; 2] = [64, 128];

/// One measured operation: its figure's name, and dd's arguments but for the count.
struct Operation {
    name: &'static str,
    dd: &'static str,
    counts: [u64; 2],
    /// How many of the units of `dd` one figure is about.
    per: u64,
}

const OPERATIONS: [Operation; 4] = [
    Operation {
        name: "guest-disk-write-4k",
        dd: "if=/dev/zero of=/dev/vda bs=4k oflag=direct",
        counts: BLOCKS,
        per: 1,
    },
    Operation {
        name: "guest-disk-read-4k",
        dd: "if=/dev/vda of=/dev/null bs=4k iflag=direct",
        counts: BLOCKS,
        per: 1,
    },
    Operation {
        name: "guest-disk-write-64m",
        dd: "if=/dev/zero of=/dev/vda bs=1M oflag=direct",
        counts: MEBIBYTES,
        per: 64,
    },
    Operation {
        name: "guest-disk-read-64m",
        dd: "if=/dev/vda of=/dev/null bs=1M iflag=direct",
        counts: MEBIBYTES,
        per: 64,
    },
];

/// Boots the default system with a fresh volume and measures it.
pub(super) fn measure(metadata: &Metadata) -> Result<Vec<Figure>> {
    let folder = workspace::path("target/bench");
    let machine = machine(metadata, &folder, &script())?;
    let counts = step("Measuring the guest's disk", || marks(&machine, &folder))?;
    figures(&counts)
}

/// The default system with a fresh volume and a guest that executes `script`, its instructions counted;
/// everything that it is made of goes into `folder`, and nothing else stays there.
pub(crate) fn machine(metadata: &Metadata, folder: &Path, script: &str) -> Result<Machine> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let passphrase = folder.join("passphrase");
    fs::write(&passphrase, PASSPHRASE)?;
    let disk = folder.join("disk.img");
    volume::create(&disk, VOLUME_SIZE, Some(&passphrase))?;
    let image = folder.join("root.img");
    let guest = GuestOptions {
        command: Some(GuestCommand {
            text: script,
            nonce: NONCE,
        }),
        ..GuestOptions::default()
    };
    let kernel = program::build_one(metadata, KERNEL, Options::default())?;
    let manifest = workspace::path(DEFAULT_MANIFEST);
    system::pack(metadata, &manifest, guest, Options::default(), &image)?;
    let mut machine = Machine::new(kernel, image);
    machine.disk = Some(disk);
    machine.time = Time::Recorded {
        control_socket: folder.join("control"),
    };
    Ok(machine)
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

/// The count of instructions when the guest's session began, and at each mark.
fn marks(machine: &Machine, folder: &Path) -> Result<Vec<u64>> {
    let Time::Recorded { control_socket } = &machine.time else {
        bail!("the machine does not count its instructions");
    };
    let mut session = Session::start(machine, Complaints::Kept(&folder.join("qemu.log")))?;
    let mut control = Control::connect(control_socket)?;
    let deadline = Instant::now() + TIMEOUT;
    let (mut prompts, mut steps) = (Watch::default(), Watch::default());
    let mut console = Vec::new();
    let mut counts = Vec::new();
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
                return Ok(counts);
            }
        }
        if prompts.sees(&console, volume::PROMPT) {
            session.send(&format!("{PASSPHRASE}\r"))?;
        }
        let next = if counts.is_empty() {
            "bench begin"
        } else {
            "mark"
        };
        if steps.sees(&console, next) {
            counts.push(control.executed()?);
        }
    }
}

/// The figures from the counts: session's begin, the first mark, then two for each operation.
fn figures(counts: &[u64]) -> Result<Vec<Figure>> {
    ensure!(
        counts.len() == 2 + 2 * OPERATIONS.len(),
        "the guest took {} steps",
        counts.len()
    );
    let mut figures = vec![Figure::new(
        "start-to-guest-shell",
        counts[0],
        "instructions",
    )];
    for (operation, window) in OPERATIONS.iter().zip(counts[1..].windows(3).step_by(2)) {
        let [before, short, long] = window else {
            bail!("a step is missing");
        };
        let difference = (long - short).checked_sub(short - before);
        let units = operation.counts[1] - operation.counts[0];
        let difference = difference.context("the longer step took fewer instructions")?;
        let value = difference * operation.per / units;
        figures.push(Figure::new(operation.name, value, "instructions"));
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steps_have_in_common_cancels() {
        let common = 1_000_000;
        let mut counts = vec![5_000_000_000, 6_000_000_000];
        for (operation, cost) in OPERATIONS.iter().zip([40_000, 30_000, 500_000, 400_000]) {
            for count in operation.counts {
                let last = counts[counts.len() - 1];
                counts.push(last + common + count * cost);
            }
        }
        let values: Vec<_> = figures(&counts)
            .expect("all steps are there")
            .iter()
            .map(|figure| figure.value)
            .collect();
        assert_eq!(
            values,
            [5_000_000_000, 40_000, 30_000, 64 * 500_000, 64 * 400_000]
        );
        assert!(figures(&counts[1..]).is_err());
    }
}
