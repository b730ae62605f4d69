//! Spans between two readings of the time-stamp counter by user programs: what a bench image measures.

use std::collections::BTreeMap;

use super::attribution::{Attributed, Owner};
use super::program::Program;
use super::tally::{Functions, Tally};

/// Longer ones are no measurement.
const LONGEST: usize = 20_000;

/// The shortest span between each two places that read the counter.
#[derive(Default)]
pub(super) struct Spans {
    start: Option<Attributed>,
    steps: Vec<Attributed>,
    least: BTreeMap<(Attributed, Attributed), Vec<Attributed>>,
}

impl Spans {
    /// Takes an instruction of the program.
    pub(super) fn step(&mut self, program: &mut Program, instruction: Attributed) {
        if self.start.is_some() && self.steps.len() < LONGEST {
            self.steps.push(instruction);
        }
        let (owner, address) = instruction;
        let is_user = matches!(owner, Owner::Program(1..));
        if is_user && program.reads_counter(address) {
            if let Some(start) = self.start.replace(instruction)
                && self.steps.len() < LONGEST
            {
                let least = self.least.entry((start, instruction)).or_default();
                if least.is_empty() || self.steps.len() < least.len() {
                    std::mem::swap(least, &mut self.steps);
                }
            }
            self.steps.clear();
        }
    }

    /// The shortest spans: where each began and ended, and what was executed.
    pub(super) fn tallies(self) -> Vec<(Attributed, Attributed, Tally)> {
        let tally = |steps: Vec<Attributed>| {
            let mut tally = Tally::default();
            steps.into_iter().for_each(|step| tally.add(step));
            tally
        };
        self.least
            .into_iter()
            .map(|((start, end), steps)| (start, end, tally(steps)))
            .collect()
    }
}

/// Prints the spans that went through the kernel and whose functions' names contain `wanted`.
pub(super) fn print(
    spans: &[(Attributed, Attributed, Tally)],
    functions: &Functions<'_>,
    wanted: &str,
    most: usize,
) {
    for ((start, at), (end, until), tally) in spans {
        let (from, to) = (functions.outer(*start, *at), functions.outer(*end, *until));
        let is_wanted = from.contains(wanted) || to.contains(wanted);
        if is_wanted && tally.has_kernel() {
            println!("\n{} instructions from {from} to {to}", tally.total());
            functions.print(tally, 1, most);
        }
    }
}
