//! What the kernel costs, in instructions under `-icount shift=0,sleep=off`, where the time stamp counter
//! counts them: messages, signals and faults between two address spaces, interrupts, memory,
//! and exits of a guest to its monitor.
//!
//! Each figure is the least of many rounds, less what reading the counter costs. The user's side of a
//! system call (moving the message into registers and back) is part of the figure.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod guest;
mod memory;
mod message;
mod thread;

use test_support::cpu::ticks;
use test_support::println;

/// Rounds of a measurement; the first ones fill the caches of the emulator.
const ROUNDS: usize = 32;

/// From what everything needs to what needs everything.
const GROUPS: &[&[test_support::Test]] = &[
    message::MEASUREMENTS,
    thread::MEASUREMENTS,
    memory::MEASUREMENTS,
    guest::MEASUREMENTS,
];

test_support::root_task!(GROUPS);

/// The least number of instructions of the rounds of `round`, which says how many it took.
fn least<E>(mut round: impl FnMut() -> Result<u64, E>) -> Result<u64, E> {
    let mut least = u64::MAX;
    for _ in 0..ROUNDS {
        least = least.min(round()?);
    }
    Ok(least)
}

/// What reading the counter costs.
fn counter_cost() -> u64 {
    (0..ROUNDS)
        .map(|_| {
            let start = ticks();
            ticks() - start
        })
        .min()
        .unwrap_or(0)
}

/// Prints a figure on a line of its own.
fn report(name: &str, instructions: u64) {
    println!(
        "\nfigure {name} {} instructions",
        instructions.saturating_sub(counter_cost())
    );
}
