//! Random system calls by a thread that holds one capability of each kind to things of its own.
//!
//! It calls with random numbers, capability pointers, labels, words and capabilities, among them
//! enough valid ones to get deep. What it holds is all made from one piece of untyped memory, in an
//! address space and CSpace of its own.
//!
//! What must be observed: the kernel goes on; the canary and the first thread's capabilities are as
//! they were; after each round, whatever state the attacker left behind, everything it had can be
//! revoked and its memory is whole again.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod attack;
mod sandbox;

use kernel_calls::invoke::{self, Resume};
use kernel_calls::user_context::UserContext;
use sel4_sys::object::ObjectType::Untyped;
use test_support::threads::{clear_notes, noted};
use test_support::{Outcome, Test, Tester, ensure, print};

const TESTS: &[Test] = &[
    Test {
        id: "hostile-syscall-0001",
        rule: "random system calls on one's own objects break nothing",
        run: |t| rounds(t, attack::invoke_at_random, 1_500_000),
    },
    Test {
        id: "hostile-syscall-0002",
        rule: "random system calls with nothing but nonsense break nothing",
        run: |t| rounds(t, attack::call_at_random, 1_500_000),
    },
    Test {
        id: "hostile-syscall-0003",
        rule: "random touching of memory and privileged instructions break nothing",
        run: |t| rounds(t, attack::touch_at_random, 100_000),
    },
];

/// Lets attackers loose, one after the other, until they have called so often.
fn rounds(t: &mut Tester, attack: test_support::threads::Entry, enough: u64) -> Outcome {
    let (mut rounds, mut calls) = (0, 0);
    while calls < enough {
        calls += round(t, attack, rounds + 1)?;
        rounds += 1;
        t.clean_up()?;
        // All memory is free again: it fits in one piece.
        let whole = t.untyped(u64::from(test_support::resources::ARENA_BITS))?;
        t.delete(whole)?;
        t.clean_up()?;
    }
    print!("({calls} calls in {rounds} rounds) ");
    ensure(calls > 10 * rounds, "the attackers hardly ran")
}

/// How often an attacker that faulted or waits is sent to attack again.
const ATTEMPTS: u64 = 1_000;

/// One sandbox with this seed; answers how often its attacker called.
fn round(
    t: &mut Tester,
    attack: test_support::threads::Entry,
    seed: u64,
) -> Result<u64, test_support::Failure> {
    clear_notes();
    let canary = t.canary()?;
    let prison = t.make(Untyped, 21)?;
    let watched = sandbox::build(t, prison, attack)?;
    for attempt in 0..ATTEMPTS {
        let context = UserContext {
            rdx: seed * ATTEMPTS + attempt,
            ..watched.thread.context
        };
        invoke::tcb_write_registers(&t.ipc, watched.thread.tcb, Resume::Yes, &context)?;
        let before = noted(attack::CALLS);
        // A fault, or nothing: it waits, is out of time, or has stopped itself.
        let fault = t.next_fault(&watched)?;
        if fault.is_none() && noted(attack::CALLS) == before {
            break;
        }
    }
    canary.is_alive()?;
    t.revoke(prison)?;
    canary.is_alive()?;
    Ok(noted(attack::CALLS))
}

const GROUPS: &[&[Test]] = &[TESTS];

test_support::root_task!(GROUPS);
