//! `cargo xtask test`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use crate::check::{self, Subject};
use crate::host;
use crate::host_tests::{self, Extent};
use crate::program::{self, Options};
use crate::qemu::Machine;
use crate::scenario::{self, Prepared, Preparer, Scenario};
use crate::workspace::{self, Metadata};

/// Run every test: host tests, the repository's rules, and the scenarios in QEMU.
///
/// The last line says how many passed and failed. Of a scenario that failed, the end of the console is shown,
/// and the logs are kept in target/scenarios.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only the scenarios whose name contains this.
    #[arg(long)]
    filter: Option<String>,
    /// Name the scenarios and what each shows.
    #[arg(long)]
    list: bool,
    /// Feed the parsers of packets, and the network card, a million hostile packets of each kind instead of some
    /// thousands (minutes, with a slow emulator hours).
    #[arg(long, conflicts_with_all = ["list", "kernel"])]
    full: bool,
    /// Only the rules of the kernel's interface, on this kernel: one that speaks seL4's interface (x86_64, MCS,
    /// debug build). An ELF file that QEMU's -kernel takes: 32 bits with a Multiboot header, or with a PVH note.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["filter", "list"])]
    kernel: Option<PathBuf>,
}

/// The scenario that tries the rules of the kernel's interface.
const CONFORMANCE: &str = "kernel-suite";

/// How many tests passed and failed.
#[derive(Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Those that this host cannot run.
    pub(crate) impossible: usize,
}

impl Tally {
    /// Counts one test.
    fn count(&mut self, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(kernel) = &arguments.kernel {
        return try_kernel(kernel);
    }
    let scenarios = scenario::read_all(arguments.filter.as_deref().unwrap_or(""))?;
    if arguments.list {
        for scenario in &scenarios {
            println!("{:32} {}", scenario.name, scenario.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    host::ensure(&host::ALL)?;
    if arguments.full && arguments.filter.is_none() {
        host::ensure(&[host::TSHARK])?;
    }
    let metadata = workspace::metadata()?;
    let mut tally = Tally::default();
    let extent = if arguments.full {
        Extent::Full
    } else {
        Extent::Usual
    };
    if arguments.filter.is_none() {
        tally = host_tests::run(&metadata, extent)?;
        let subject = Subject::read()?;
        for check in &check::ALL {
            tally.count(check.holds(&subject));
        }
    }
    play_all(&scenarios, &metadata, extent, &mut tally);
    if tally.impossible > 0 {
        println!("{} not possible on this host", tally.impossible);
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(if tally.failed == 0 && tally.passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Boots the suite of the kernel's rules on a kernel of the user's; it says itself what it found.
fn try_kernel(kernel: &Path) -> Result<ExitCode> {
    host::ensure(&[host::QEMU])?;
    let scenarios = scenario::read_all(CONFORMANCE)?;
    let scenario = scenarios.first().context("the suite has no scenario")?;
    let root = program::build_one(&workspace::metadata()?, CONFORMANCE, Options::default())?;
    let mut machine = Machine::new(kernel.to_owned(), root);
    for boot in &scenario.boot {
        machine.extra.clone_from(&boot.qemu);
    }
    let ending = machine.boot_to_stdout(Duration::from_secs(scenario.timeout_seconds))?;
    println!("the machine {ending}");
    Ok(ending.exit_code())
}

/// Builds all scenarios, then plays as many at a time as there are cores.
fn play_all(scenarios: &[Scenario], metadata: &Metadata, extent: Extent, tally: &mut Tally) {
    let mut preparer = Preparer::new(metadata);
    let mut ready = Vec::new();
    for scenario in scenarios {
        let prepared = match scenario::obstacle(scenario) {
            Ok(None) => preparer.prepare(scenario),
            Ok(Some(obstacle)) => {
                println!("scenario {} NOT POSSIBLE here: {obstacle}", scenario.name);
                tally.impossible += 1;
                continue;
            }
            Err(error) => Err(error),
        };
        match prepared {
            Ok(prepared) => ready.push(prepared),
            Err(error) => {
                println!("scenario {} FAILED: {error:#}", scenario.name);
                tally.count(false);
            }
        }
    }
    ready.reverse();
    let queue = Mutex::new((ready, tally));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| play_queue(&queue, extent));
        }
    });
}

fn play_queue(queue: &Mutex<(Vec<Prepared<'_>>, &mut Tally)>, extent: Extent) {
    // A poisoned lock means that another worker panicked; its panic is what is reported.
    while let Some(prepared) = queue.lock().ok().and_then(|mut queue| queue.0.pop()) {
        let verdict = scenario::play(&prepared, extent);
        let seconds = verdict.duration.as_secs_f32();
        let Ok(mut queue) = queue.lock() else { return };
        if verdict.findings.is_empty() {
            println!("scenario {} ok ({seconds:.1} s)", prepared.name());
        } else {
            println!("scenario {} FAILED ({seconds:.1} s):", prepared.name());
            for line in verdict.findings.iter().chain(&verdict.last_words) {
                println!("    {line}");
            }
            println!("    logs: {}", verdict.logs.display());
        }
        queue.1.count(verdict.findings.is_empty());
    }
}
