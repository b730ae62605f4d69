//! A monitor that attacks the interface of virtual CPUs, and its guests with it: every register with every
//! kind of value, random requests, random guest code and state, and all the while nested tables and frames
//! come and go, spaces and virtual CPUs are destroyed and made again.
//!
//! What must be observed: illegal values are refused and legal ones taken; every run comes back with an exit
//! that the interface names, or at a signal; no guest changes what it may only read or is not mapped to
//! it, nor does a register ever show that; the monitor's own registers, clock, bases and vector registers are its own
//! after every run; the kernel goes on, and gives all memory back.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod attack;
mod values;
mod world;

use kernel_calls::invoke;
use sel4_sys::Error;
use sel4_sys::extension::register;
use test_support::guest::{Guest, long_mode};
use test_support::random::Random;
use test_support::threads::{clear_notes, noted};
use test_support::{Outcome, Plan, Test, Tester, cpu, ensure, equal, print};

const TESTS: &[Test] = &[
    Test {
        id: "hostile-vcpu-0001",
        rule: "a register takes every legal value, shows it, and refuses every other one unchanged",
        run: every_register,
    },
    Test {
        id: "hostile-vcpu-0002",
        rule: "a monitor and guests that do everything at random reach nothing but their own",
        run: everything_at_random,
    },
];

const VALUES: u64 = 100_000;

fn every_register(t: &mut Tester) -> Outcome {
    let guest = Guest::long_mode(t, &[0xf4; 64])?;
    let mut random = Random::new(7);
    let (mut taken, mut refused) = (0u64, 0u64);
    for _ in 0..VALUES {
        let id = values::register(&mut random);
        let value = values::value(&mut random, id);
        let before = guest.get(t, id);
        let answer = guest.set(t, &[(id, value)]);
        if values::is_refused(id, value) {
            ensure(
                answer == Err(Error::InvalidArgument),
                "an illegal value was not refused",
            )?;
            ensure(
                guest.get(t, id) == before,
                "a refused value changed the register",
            )?;
            refused += 1;
        } else {
            answer?;
            equal(
                "the register",
                guest.get(t, id)?,
                values::as_read(id, value),
            )?;
            taken += 1;
        }
        ensure(
            before.is_ok() == (id < register::COUNT),
            "what no register is was read",
        )?;
    }
    // As it was, it still runs.
    guest.set(t, &long_mode::REGISTERS)?;
    print!("({taken} taken, {refused} refused) ");
    ensure(
        taken > VALUES / 8 && refused > VALUES / 8,
        "one kind was hardly tried",
    )
}

/// Worlds, and how many calls each attacker makes in its own. Not more in QEMU 7.2: at the exit from a guest that has
/// EFER.LME but neither CR4.PAE nor CR0.PG it restores the host's CR0 before its CR4, refuses the paging bit for want
/// of PAE, and the kernel goes on with the guest's CR0. With 32,000 calls a guest gets there by its own code.
const WORLDS: u64 = 4;
const CALLS: u64 = 4_000;
/// How long an attacker may take for one call.
const PATIENCE_US: u64 = 200_000;

fn everything_at_random(t: &mut Tester) -> Outcome {
    let (mut calls, mut runs) = (0, 0);
    for seed in 1..=WORLDS {
        clear_notes();
        let canary = t.canary()?;
        world::build(t)?;
        let bell = t.notification()?;
        let attacker = t.spawn(Plan::new(attack::attack, seed).budget(200, 400))?;
        invoke::tcb_bind_notification(&t.ipc, attacker.tcb, bell)?;
        let (mut seen, mut since) = (0, cpu::ticks());
        while seen < CALLS && noted(attack::WRONG) == 0 {
            // It sleeps when its time is up, also within a guest that spins; that one ends by a signal only.
            t.let_others_run()?;
            t.ipc.signal(bell);
            if noted(attack::CALLS) != seen {
                (seen, since) = (noted(attack::CALLS), cpu::ticks());
            }
            let silence = cpu::ticks() - since;
            ensure(
                silence < PATIENCE_US * t.ticks_per_us(),
                "the attacker does not come back",
            )?;
        }
        invoke::tcb_suspend(&t.ipc, attacker.tcb)?;
        equal(
            "what went wrong (see attack::wrong)",
            noted(attack::WRONG),
            0,
        )?;
        canary.is_alive()?;
        world::is_intact()?;
        calls += noted(attack::CALLS);
        runs += noted(attack::RUNS);
        t.clean_up()?;
    }
    print!("({calls} calls, {runs} runs) ");
    ensure(runs > calls / 10, "guests hardly ran")
}

const GROUPS: &[&[Test]] = &[TESTS];

test_support::root_task!(GROUPS);
