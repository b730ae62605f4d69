//! Counts of instructions by owner and address, and how they are shown.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Result;

use super::attribution::{Attributed, Owner};
use super::names::{self, Names};
use super::program::Program;

/// How often each instruction was executed.
#[derive(Default, Clone)]
pub(super) struct Tally(HashMap<Attributed, u64>);

impl Tally {
    /// One instruction.
    pub(super) fn of(instruction: Attributed) -> Tally {
        Tally(HashMap::from([(instruction, 1)]))
    }

    pub(super) fn add(&mut self, instruction: Attributed) {
        *self.0.entry(instruction).or_default() += 1;
    }

    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Counts with their owners, several for each.
    pub(super) fn by_owner(&self) -> impl Iterator<Item = (Owner, u64)> {
        self.0.iter().map(|((owner, _), count)| (*owner, *count))
    }

    /// Whether the kernel has a part in it.
    pub(super) fn has_kernel(&self) -> bool {
        self.addresses(0).next().is_some()
    }

    /// Addresses in the program with this index.
    fn addresses(&self, program: usize) -> impl Iterator<Item = u64> {
        self.0.keys().filter_map(move |(owner, address)| {
            (*owner == Owner::Program(program)).then_some(*address)
        })
    }
}

/// The functions of all programs in some tallies.
pub(super) struct Functions<'a> {
    programs: &'a [Program],
    names: Vec<HashMap<u64, Names>>,
}

impl<'a> Functions<'a> {
    pub(super) fn of<'t>(
        programs: &'a [Program],
        tallies: impl Iterator<Item = &'t Tally> + Clone,
    ) -> Result<Functions<'a>> {
        let mut all = Vec::new();
        for (index, program) in programs.iter().enumerate() {
            let addresses: HashSet<_> = tallies
                .clone()
                .flat_map(|tally| tally.addresses(index))
                .collect();
            all.push(names::functions(&program.file, &addresses)?);
        }
        Ok(Functions {
            programs,
            names: all,
        })
    }

    fn inner(&self, owner: Owner, address: u64) -> &str {
        self.names(owner, address)
            .map_or("", |names| names.inner.as_str())
    }

    /// The function, not inlined, that holds the address.
    pub(super) fn outer(&self, owner: Owner, address: u64) -> &str {
        self.names(owner, address)
            .map_or("", |names| names.outer.as_str())
    }

    fn names(&self, owner: Owner, address: u64) -> Option<&Names> {
        match owner {
            Owner::Program(program) => self.names[program].get(&address),
            Owner::Guest | Owner::Unknown => None,
        }
    }

    /// Prints a tally by program and function, the most costly first, each count divided by `times`.
    pub(super) fn print(&self, tally: &Tally, times: u64, most: usize) {
        let mut by_owner: BTreeMap<Owner, HashMap<&str, u64>> = BTreeMap::new();
        for ((owner, address), count) in &tally.0 {
            let functions = by_owner.entry(*owner).or_default();
            *functions.entry(self.inner(*owner, *address)).or_default() += count;
        }
        let mut owners: Vec<_> = by_owner
            .into_iter()
            .map(|(owner, functions)| (functions.values().sum::<u64>(), owner, functions))
            .collect();
        owners.sort_by_key(|(sum, owner, _)| (std::cmp::Reverse(*sum), *owner));
        for (sum, owner, functions) in owners {
            println!("{:>12}  {}", quotient(sum, times), self.owner_name(owner));
            let mut functions: Vec<_> = functions.into_iter().collect();
            functions.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
            if let Owner::Program(_) = owner {
                for (name, count) in functions.iter().take(most) {
                    println!("{:>20}  {name}", quotient(*count, times));
                }
            }
        }
    }

    fn owner_name(&self, owner: Owner) -> &str {
        match owner {
            Owner::Program(program) => &self.programs[program].name,
            Owner::Guest => "the guest",
            Owner::Unknown => "no program that is known",
        }
    }
}

/// The rounded quotient.
fn quotient(sum: u64, times: u64) -> u64 {
    (sum + times / 2) / times
}
