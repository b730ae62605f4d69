//! Runs the bench images: root programs that measure and print figures.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::Figure;
use crate::program::{self, KERNEL, KERNEL_DEBUG, Options};
use crate::progress::step;
use crate::qemu::{Complaints, Ending, Event, Machine, Session, Time};
use crate::workspace::{Metadata, Package};

/// Where bench images stand.
const FOLDER: &str = "qemu-tests/bench";

/// Bound of each image.
const TIMEOUT: Duration = Duration::from_secs(600);

pub(super) fn measure(metadata: &Metadata) -> Result<Vec<Figure>> {
    let is_bench = |package: &&Package| package.folder().starts_with(FOLDER);
    let mut figures = Vec::new();
    for package in metadata.packages.iter().filter(is_bench) {
        if package.binaries().next().is_some() {
            let what = format!("Measuring with {}", package.name);
            figures.extend(step(&what, || run(metadata, &package.name))?);
        }
    }
    Ok(figures)
}

fn run(metadata: &Metadata, package: &str) -> Result<Vec<Figure>> {
    let debug = Options {
        features: Some(KERNEL_DEBUG),
    };
    let kernel = program::build_one(metadata, KERNEL, debug)?;
    let root = program::build_one(metadata, package, Options::default())?;
    let mut machine = Machine::new(kernel, root);
    machine.time = Time::Instructions;
    let mut session = Session::start(&machine, Complaints::Shown)?;
    let deadline = Instant::now() + TIMEOUT;
    let mut console = Vec::new();
    let ending = loop {
        match session.next(deadline)? {
            Event::Output(bytes) => console.extend(bytes),
            Event::Ended(ending) => break ending,
        }
    };
    let text = String::from_utf8_lossy(&console);
    ensure!(
        ending == Ending::Passed,
        "the machine with {package} {ending}, having printed:\n{text}"
    );
    let figures: Vec<_> = text.lines().filter_map(Figure::parse).collect();
    ensure!(!figures.is_empty(), "{package} printed no figure");
    Ok(figures)
}
