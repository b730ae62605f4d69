//! The rules of the repository that a machine can check, one file each.
//!
//! A check returns its findings, one line each; none means that the rule holds. An error is for
//! what keeps a check from being made at all.

mod build_images;
mod dependency_edges;
mod dependency_reasons;
mod format;
mod kernel_branches;
mod kernel_code;
mod kernel_instructions;
pub(crate) mod kernel_lines;
mod kernel_returns;
mod kernel_stack;
mod lints;
pub(crate) mod source;
mod stack_frame;
mod undefined_symbols;
mod unsafe_code;

use std::path::PathBuf;

use anyhow::Result;

use crate::progress::step;
use crate::workspace::Metadata;

/// What the checks look at.
pub(crate) struct Subject {
    metadata: Metadata,
}

/// The ELF files that were built: the kernel's, and those of the programs on it.
struct Images {
    kernel: PathBuf,
    programs: Vec<PathBuf>,
}

/// What is wrong, one line each.
type Findings = Vec<String>;

/// One rule.
pub(crate) struct Check {
    /// What the user can ask for by name.
    pub(crate) name: &'static str,
    /// The rule as a sentence.
    pub(crate) rule: &'static str,
    run: fn(&Subject) -> Result<Findings>,
}

/// Every rule, the quick ones first.
pub(crate) const ALL: [Check; 11] = [
    Check {
        name: "format",
        rule: "every file is formatted as rustfmt would",
        run: format::check,
    },
    Check {
        name: "edges",
        rule: "crates depend only on what ARCHITECTURE.md allows them",
        run: dependency_edges::check,
    },
    Check {
        name: "reasons",
        rule: "every third-party crate has a reason, and is named in one table",
        run: dependency_reasons::check,
    },
    Check {
        name: "unsafe",
        rule: "unsafe code stands only where ARCHITECTURE.md allows it",
        run: unsafe_code::check,
    },
    Check {
        name: "lines",
        rule: "the kernel has at most 12,000 lines",
        run: kernel_lines::check,
    },
    Check {
        name: "lints",
        rule: "clippy has nothing to say",
        run: lints::check,
    },
    Check {
        name: "symbols",
        rule: "no image refers to anything outside itself",
        run: undefined_symbols::check,
    },
    Check {
        name: "instructions",
        rule: "the kernel touches no vector or x87 register of its users",
        run: kernel_instructions::check,
    },
    Check {
        name: "branches",
        rule: "the kernel jumps and calls through no register and no memory",
        run: kernel_branches::check,
    },
    Check {
        name: "returns",
        rule: "every return of the kernel can be made another kind at boot",
        run: kernel_returns::check,
    },
    Check {
        name: "stack",
        rule: "the kernel's stack holds the deepest chain of calls",
        run: kernel_stack::check,
    },
];

impl Subject {
    /// Reads what the checks share.
    pub(crate) fn read() -> Result<Subject> {
        Ok(Subject {
            metadata: crate::workspace::metadata()?,
        })
    }
}

impl Check {
    /// Checks the rule, says what is wrong, and returns whether it holds.
    pub(crate) fn holds(&self, subject: &Subject) -> bool {
        match step(&format!("Checking {}", self.name), || (self.run)(subject)) {
            Ok(findings) if findings.is_empty() => {
                println!("check {:12} ok: {}", self.name, self.rule);
                true
            }
            Ok(findings) => {
                println!(
                    "check {:12} FAILED: not true that {}:",
                    self.name, self.rule
                );
                for finding in findings {
                    println!("    {finding}");
                }
                false
            }
            Err(error) => {
                println!("check {:12} FAILED: {error:#}", self.name);
                false
            }
        }
    }
}
