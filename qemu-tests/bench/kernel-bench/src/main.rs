//! What the kernel costs, in instructions under `-icount shift=0,sleep=off`, where the time stamp counter
//! counts them: messages, signals and faults between two address spaces unless said, interrupts, memory,
//! and exits of a guest to its monitor.
//!
//! Each figure is the least of many rounds, less what reading the counter costs; where a system call is
//! measured, also less what the call costs its caller beside the kernel (moving the message into registers and
//! back). seL4's own benchmark takes off the same.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod guest;
mod memory;
mod message;
mod signal;
mod stopwatch;
mod thread;

use kernel_calls::Ipc;
use sel4_sys::syscall;
use test_support::cpu::{no_system_call, ticks};
use test_support::println;

/// Rounds of a measurement; the first ones fill the caches of the emulator.
const ROUNDS: usize = 32;

/// From what everything needs to what needs everything.
const GROUPS: &[&[test_support::Test]] = &[
    message::MEASUREMENTS,
    signal::MEASUREMENTS,
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

/// The least number of instructions that `work` takes, with one reading of the counter.
fn cost(mut work: impl FnMut()) -> u64 {
    let rounds = (0..ROUNDS).map(|_| {
        let start = ticks();
        work();
        ticks() - start
    });
    rounds.min().unwrap_or(0)
}

/// Prints a figure on a line of its own.
fn report(name: &str, instructions: u64) {
    let counter = cost(|| ());
    println!(
        "\nfigure {name} {} instructions",
        instructions.saturating_sub(counter)
    );
}

/// Prints the figure of a system call.
fn report_call(ipc: Ipc, name: &str, instructions: u64) {
    let around = cost(|| {
        let message = no_system_call(syscall::CALL, 0, 0, [0; 4]);
        for (index, word) in message.into_iter().enumerate() {
            ipc.set_word(index, word);
        }
    });
    println!(
        "\nfigure {name} {} instructions",
        instructions.saturating_sub(around)
    );
}
