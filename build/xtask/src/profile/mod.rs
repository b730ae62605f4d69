//! Which functions the instructions go to.
//!
//! QEMU executes one instruction at a time and writes a line for each ([`trace`]); who executed it is
//! found from the programs' code ([`attribution`]); the counts are shown by function ([`tally`]). That is
//! exact, and some thousand times slower than the machine itself, so only a window is traced.

mod attribution;
mod guest_command;
mod names;
mod paths;
mod program;
mod root_program;
mod spans;
mod stages;
mod tally;
mod trace;

use std::io::{BufRead, BufReader};
use std::process::ChildStderr;

pub(crate) use guest_command::profile as guest_command;
pub(crate) use root_program::{longest_paths, measurements};
pub(crate) use stages::profile as stages;

use attribution::{Attributed, Attribution};
use program::Program;
use trace::Trace;

/// Follows a trace to its end, from a thread of its own; answers the programs and what `sink` collected.
fn follow<S: Send + 'static>(
    lines: ChildStderr,
    programs: Vec<Program>,
    mut sink: S,
    take: impl Fn(&mut S, &mut Program, Attributed) + Send + 'static,
) -> std::thread::JoinHandle<(Vec<Program>, S)> {
    std::thread::spawn(move || {
        let mut trace = Trace::default();
        let mut attribution = Attribution::new(programs);
        let mut lines = BufReader::with_capacity(1 << 20, lines);
        let mut line = Vec::new();
        while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
            if let Ok(text) = std::str::from_utf8(&line)
                && let Some(step) = trace.line(text)
            {
                attribution.step(step, &mut |program, instruction| {
                    take(&mut sink, program, instruction);
                });
            }
            line.clear();
        }
        (attribution.programs, sink)
    })
}
