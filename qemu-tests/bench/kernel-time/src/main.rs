//! The longest times for which the kernel runs with interrupts off, in instructions under
//! `-icount shift=0,sleep=off`: system calls that its loops make as long as they can be.
//!
//! `docs/kernel-time.md` has the list of those loops. Each figure is one system call as its caller sees it, less
//! what reading the counter costs. Operations that look for interrupts meanwhile are here too, for
//! `cargo xtask profile --program kernel-time --paths 10`, which shows the time between two looks.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod lookups;
mod objects;
mod waiters;

use test_support::cpu::{spin, ticks};
use test_support::{Test, println};

const GROUPS: &[&[Test]] = &[
    &[Test {
        id: "wait",
        rule: "a profile's trace, which begins at the kernel's first line, has some time to do so",
        run: |_| {
            spin(10_000_000);
            Ok(())
        },
    }],
    lookups::WORKLOADS,
    objects::WORKLOADS,
    waiters::WORKLOADS,
];

test_support::root_task!(GROUPS);

/// Prints how long something took.
fn report(name: &str, instructions: u64) {
    let counter = (0..8).map(|_| {
        let start = ticks();
        ticks() - start
    });
    let counter = counter.min().unwrap_or(0);
    println!(
        "\nfigure {name} {} instructions",
        instructions.saturating_sub(counter)
    );
}
