//! Which program executed an instruction.
//!
//! A trace has addresses only, and all user programs are linked at the same ones. But from one way out of
//! the kernel to the next entry one program runs, and its instructions must follow each other as its
//! file says: one step after the other, the programs that could not have taken it fall away. A program
//! also goes on where it was interrupted.

use super::program::Program;
use super::trace::{Place, Step};

/// Who executed an instruction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Owner {
    /// A program by its index; the kernel is the first one.
    Program(usize),
    Guest,
    /// A user program that is not known, or one of several.
    Unknown,
}

/// An instruction and who executed it.
pub(super) type Attributed = (Owner, u64);

/// Finds the owners of steps, in order.
pub(super) struct Attribution {
    pub(super) programs: Vec<Program>,
    /// Where each program was last.
    last: Vec<Option<u64>>,
    /// Programs that could have taken all steps since the kernel was left.
    candidates: Vec<usize>,
    /// Those steps, while there is more than one candidate.
    undecided: Vec<u64>,
    previous: Option<u64>,
}

impl Attribution {
    /// The kernel comes first.
    pub(super) fn new(programs: Vec<Program>) -> Attribution {
        Attribution {
            last: vec![None; programs.len()],
            programs,
            candidates: Vec::new(),
            undecided: Vec::new(),
            previous: None,
        }
    }

    /// Takes a step; passes on those whose owner is found now.
    pub(super) fn step(&mut self, step: Step, found: &mut impl FnMut(&mut Program, Attributed)) {
        let owner = match step.place {
            Place::User => return self.user_step(step.address, found),
            Place::Guest => Owner::Guest,
            Place::Kernel => Owner::Program(0),
        };
        self.end_user(found);
        found(&mut self.programs[0], (owner, step.address));
    }

    fn user_step(&mut self, address: u64, found: &mut impl FnMut(&mut Program, Attributed)) {
        match self.previous.replace(address) {
            None => self.begin_user(address),
            Some(previous) if self.candidates.len() > 1 => {
                let programs = &mut self.programs;
                self.candidates
                    .retain(|index| programs[*index].follows(previous, address));
            }
            Some(_) => {}
        }
        self.undecided.push(address);
        if self.candidates.len() <= 1 {
            self.decide(found);
        }
    }

    fn begin_user(&mut self, address: u64) {
        let all = 1..self.programs.len();
        let programs = &mut self.programs;
        let last = &self.last;
        let mut could = |index: &usize| match last[*index] {
            Some(place) => programs[*index].follows(place, address),
            None => programs[*index].follows(address, address),
        };
        self.candidates = all.clone().filter(&mut could).collect();
        if self.candidates.is_empty() {
            // Started anew, or moved on by its fault handler.
            self.candidates = all
                .filter(|index| self.programs[*index].follows(address, address))
                .collect();
        }
    }

    /// Passes on the steps of the one candidate left.
    fn decide(&mut self, found: &mut impl FnMut(&mut Program, Attributed)) {
        let candidate = self.candidates.first().copied();
        let owner = candidate.map_or(Owner::Unknown, Owner::Program);
        for address in self.undecided.drain(..) {
            found(&mut self.programs[candidate.unwrap_or(0)], (owner, address));
        }
    }

    fn end_user(&mut self, found: &mut impl FnMut(&mut Program, Attributed)) {
        let Some(previous) = self.previous.take() else {
            return;
        };
        if self.candidates.len() > 1 {
            // Nothing told them apart.
            let known = |index: &usize| self.last[*index].is_some();
            let known: Vec<_> = self.candidates.iter().copied().filter(known).collect();
            self.candidates = if known.len() == 1 { known } else { Vec::new() };
            self.decide(found);
        }
        if let [one] = self.candidates[..] {
            self.last[one] = Some(previous);
        }
    }
}
