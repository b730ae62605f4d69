//! Paths through the kernel on which no interrupt is taken: from a way in, or a look for interrupts, to the
//! next look or the way out.
//!
//! The kernel runs with interrupts off. Long operations look for a waiting one from time to time and end if
//! there is one; where the processor sleeps, or between two guests, it lets them in.

use std::collections::BTreeMap;

use super::attribution::{Attributed, Owner};
use super::program::Program;
use super::tally::{Functions, Tally};

/// The longest path that began with each instruction of a user program.
#[derive(Default)]
pub(super) struct Paths {
    /// What ran before the kernel was entered; nothing before the first user instruction.
    origin: Option<Attributed>,
    steps: Vec<Attributed>,
    longest: BTreeMap<Attributed, Vec<Attributed>>,
}

impl Paths {
    /// Takes an instruction of the program.
    pub(super) fn step(&mut self, program: &mut Program, instruction: Attributed) {
        let (owner, address) = instruction;
        if owner != Owner::Program(0) {
            self.end();
            self.origin = Some(instruction);
        } else if self.origin.is_some() {
            if program.lets_interrupts_in(address) {
                self.end();
            }
            self.steps.push(instruction);
            // A thread may fault before its first instruction is done.
            if program.leaves_kernel(address) {
                self.end();
            }
        }
    }

    fn end(&mut self) {
        if let Some(origin) = self.origin {
            let longest = self.longest.entry(origin).or_default();
            if longest.len() < self.steps.len() {
                std::mem::swap(longest, &mut self.steps);
            }
        }
        self.steps.clear();
    }

    /// The paths, the longest first: what ran before each, and what was executed.
    pub(super) fn tallies(self) -> Vec<(Attributed, Tally)> {
        let tally = |steps: Vec<Attributed>| {
            let mut tally = Tally::default();
            steps.into_iter().for_each(|step| tally.add(step));
            tally
        };
        let mut paths: Vec<_> = self
            .longest
            .into_iter()
            .map(|(origin, steps)| (origin, tally(steps)))
            .collect();
        paths.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.total()));
        paths
    }
}

/// Prints the `count` longest paths that began in functions whose name contains `wanted`.
pub(super) fn print(
    paths: &[(Attributed, Tally)],
    functions: &Functions<'_>,
    wanted: &str,
    (count, most): (usize, usize),
) {
    let paths = paths
        .iter()
        .map(|((owner, address), tally)| (functions.outer(*owner, *address), tally))
        .filter(|(from, _)| from.contains(wanted));
    for (from, tally) in paths.take(count) {
        println!("\n{} instructions from {from}", tally.total());
        functions.print(tally, 1, most);
    }
}
