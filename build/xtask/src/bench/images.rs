//! Runs the bench images: root programs that measure and print figures.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::Figure;
use crate::program::{self, KERNEL, KERNEL_DEBUG, Options};
use crate::progress::step;
use crate::qemu::{Complaints, Ending, Event, Machine, Session, Time};
use crate::workspace::Metadata;

/// Where bench images stand; what stands in folders below is part of a system.
const FOLDER: &str = "qemu-tests/bench";

/// Bound of each image.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Names of the packages that are bench images.
pub(super) fn packages(metadata: &Metadata) -> Vec<&str> {
    let images = metadata.packages.iter().filter(|package| {
        package.folder().parent() == Some(Path::new(FOLDER)) && package.binaries().next().is_some()
    });
    images.map(|package| package.name.as_str()).collect()
}

/// Runs the image of that package.
pub(super) fn measure(metadata: &Metadata, package: &str) -> Result<Vec<Figure>> {
    let debug = Options {
        features: Some(KERNEL_DEBUG),
    };
    let kernel = program::build_one(metadata, KERNEL, debug)?;
    measure_on(metadata, &kernel, package)
}

/// Runs the image of that package on this kernel.
pub(super) fn measure_on(metadata: &Metadata, kernel: &Path, package: &str) -> Result<Vec<Figure>> {
    step(&format!("Measuring with {package}"), || {
        let root = program::build_one(metadata, package, Options::default())?;
        let mut machine = Machine::new(kernel.to_owned(), root);
        machine.time = Time::Instructions;
        printed(&machine, package, Ending::Passed)
    })
}

/// The figures that a machine prints until it ends as it should.
pub(super) fn printed(machine: &Machine, name: &str, good: Ending) -> Result<Vec<Figure>> {
    let mut session = Session::start(machine, Complaints::Shown)?;
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
        ending == good,
        "the machine with {name} {ending}, having printed:\n{text}"
    );
    let figures: Vec<_> = text.lines().filter_map(Figure::parse).collect();
    ensure!(
        !figures.is_empty(),
        "{name} printed no figure, but:\n{text}"
    );
    Ok(figures)
}
