//! The profile of a root program that measures itself, such as a bench image.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::attribution::Attributed;
use super::paths::{self, Paths};
use super::program::Program;
use super::spans::{self, Spans};
use super::tally::{Functions, Tally};
use crate::program::{self, KERNEL, KERNEL_DEBUG, Options};
use crate::progress::step;
use crate::qemu::{Complaints, Control, Event, Machine, Session, Time};
use crate::workspace::{self, Metadata};

const TIMEOUT: Duration = Duration::from_secs(1800);

/// Prints what the spans between two readings of the time-stamp counter consist of, in functions whose
/// name contains `wanted`.
pub(crate) fn measurements(
    metadata: &Metadata,
    package: &str,
    wanted: &str,
    most: usize,
) -> Result<()> {
    let (programs, spans) = trace(metadata, package, Spans::default(), Spans::step)?;
    let spans = spans.tallies();
    let functions = Functions::of(&programs, spans.iter().map(|(_, _, tally)| tally))?;
    spans::print(&spans, &functions, wanted, most);
    Ok(())
}

/// Prints the `count` longest paths through the kernel on which no interrupt is taken, of those that began in
/// functions whose name contains `wanted`.
pub(crate) fn longest_paths(
    metadata: &Metadata,
    package: &str,
    wanted: &str,
    (count, most): (usize, usize),
) -> Result<()> {
    let (programs, paths) = trace(metadata, package, Paths::default(), Paths::step)?;
    let paths = paths.tallies();
    // Programs other than the kernel are asked only who called it.
    let origins = paths.iter().map(|(origin, _)| Tally::of(*origin));
    let origins: Vec<Tally> = origins.collect();
    let tallies = paths.iter().map(|(_, tally)| tally).chain(&origins);
    let functions = Functions::of(&programs, tallies)?;
    paths::print(&paths, &functions, wanted, (count, most));
    Ok(())
}

/// Runs the program to its end, every instruction of it and the kernel passed to `take`.
fn trace<S: Send + 'static>(
    metadata: &Metadata,
    package: &str,
    sink: S,
    take: impl Fn(&mut S, &mut Program, Attributed) + Send + 'static,
) -> Result<(Vec<Program>, S)> {
    let debug = Options {
        features: Some(KERNEL_DEBUG),
    };
    let kernel = program::build_one(metadata, KERNEL, debug)?;
    let root = program::build_one(metadata, package, Options::default())?;
    let folder = workspace::path("target/profile");
    fs::create_dir_all(&folder)?;
    let programs = vec![
        Program::read(&kernel, &folder)?,
        Program::read(&root, &folder)?,
    ];
    let control_socket = folder.join("control");
    let mut machine = Machine::new(kernel, root);
    machine.time = Time::Recorded {
        control_socket: control_socket.clone(),
    };
    step(&format!("Tracing {package}"), || {
        let mut session = Session::start(&machine, Complaints::Piped)?;
        let lines = session.take_complaints().context("QEMU says nothing")?;
        let follower = super::follow(lines, programs, sink, take);
        let deadline = Instant::now() + TIMEOUT;
        let mut control = Control::connect(&control_socket)?;
        let mut is_traced = false;
        while let Event::Output(_) = session.next(deadline)? {
            // The kernel's first line: the programs' measurements are still to come.
            if !is_traced {
                control.start_trace()?;
                is_traced = true;
            }
        }
        follower
            .join()
            .map_err(|_| anyhow!("following the trace failed"))
    })
}
