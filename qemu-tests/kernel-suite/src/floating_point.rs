//! FPU, SSE and AVX state belongs to its thread.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::Ipc;
use sel4_sys::fault::USER_EXCEPTION;
use sel4_sys::{invocation as label, syscall};
use test_support::cpu;
use test_support::floating_point::{self, VectorPattern};
use test_support::threads::{clear_notes, note, noted};
use test_support::{Failure, Outcome, Plan, Test, Tester, ensure, equal};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "floating-point-0001",
        rule: "SSE registers and MXCSR are kept across switches between threads that yield",
        run: sse_yield,
    },
    Test {
        id: "floating-point-0002",
        rule: "SSE registers are kept across preemption",
        run: sse_preempted,
    },
    Test {
        id: "floating-point-0003",
        rule: "AVX registers are kept across switches and preemption",
        run: avx,
    },
    Test {
        id: "floating-point-0004",
        rule: "x87 registers and control word are kept across switches",
        run: x87,
    },
    Test {
        id: "floating-point-0005",
        rule: "a new thread finds the state after FNINIT: control word 0x37f, MXCSR 0x1f80, zeroes",
        run: initial_state,
    },
    Test {
        id: "floating-point-0006",
        rule: "a thread with the FPU disabled gets exception 7 when it uses it",
        run: disabled,
    },
];

const ROUNDS: u64 = 200;

fn sse_and_yield(_: Ipc, seed: u64) {
    let pattern = VectorPattern::new(seed);
    for _ in 0..ROUNDS {
        let errors = floating_point::keep_sse(&pattern, syscall::YIELD, (0, 0));
        note(1).fetch_add(errors, SeqCst);
        note(2).fetch_add(1, SeqCst);
    }
}

/// Three threads with different patterns; all must finish without an error.
fn compete(t: &mut Tester, entry: test_support::threads::Entry, budget_us: u64) -> Outcome {
    clear_notes();
    for seed in 1..4 {
        t.spawn(Plan::new(entry, seed * 0x1234_5678_9abc).budget(budget_us, budget_us))?;
    }
    t.let_others_run()?;
    equal("the errors", noted(1), 0)?;
    ensure(noted(2) >= 3, "the threads did not run")
}

fn sse_yield(t: &mut Tester) -> Outcome {
    compete(t, sse_and_yield, 10_000)
}

fn sse_and_spin(_: Ipc, seed: u64) {
    let pattern = VectorPattern::new(seed);
    note(1).fetch_add(
        floating_point::keep_sse_while_spinning(&pattern, 3_000_000),
        SeqCst,
    );
    note(2).fetch_add(1, SeqCst);
}

fn sse_preempted(t: &mut Tester) -> Outcome {
    compete(t, sse_and_spin, 1_000)
}

fn avx_and_spin(_: Ipc, seed: u64) {
    let pattern = VectorPattern::new(seed);
    note(1).fetch_add(
        floating_point::keep_avx_while_spinning(&pattern, 3_000_000),
        SeqCst,
    );
    note(2).fetch_add(1, SeqCst);
}

fn avx(t: &mut Tester) -> Outcome {
    if !cpu::has_avx() {
        return Err(Failure::skipped("this machine or kernel has no AVX"));
    }
    compete(t, avx_and_spin, 1_000)
}

fn x87_and_yield(_: Ipc, seed: u64) {
    for round in 0..ROUNDS {
        let errors = floating_point::keep_x87(seed + round, syscall::YIELD);
        note(1).fetch_add(errors, SeqCst);
        note(2).fetch_add(1, SeqCst);
    }
}

fn x87(t: &mut Tester) -> Outcome {
    compete(t, x87_and_yield, 10_000)
}

fn look_at_state(_: Ipc, _: u64) {
    let state = floating_point::state();
    note(0).store(state.control_word, SeqCst);
    note(1).store(state.mxcsr, SeqCst);
    note(2).store(state.register_bits, SeqCst);
    note(3).fetch_add(1, SeqCst);
}

fn initial_state(t: &mut Tester) -> Outcome {
    // Somebody else's values must not show.
    compete(t, sse_and_yield, 10_000)?;
    clear_notes();
    t.spawn(Plan::new(look_at_state, 0))?;
    t.let_others_run()?;
    equal("the runs", noted(3), 1)?;
    equal("the control word", noted(0), 0x37f)?;
    equal("MXCSR", noted(1), 0x1f80)?;
    equal("the bits in the registers", noted(2), 0)
}

fn disabled(t: &mut Tester) -> Outcome {
    let watched = t.watch(Plan::new(sse_and_yield, 1))?;
    kernel_calls::invoke::tcb_suspend(&t.ipc, watched.thread.tcb)?;
    t.ipc
        .invoke(watched.thread.tcb, label::TCB_SET_FLAGS, &[0, 1], &[])?;
    kernel_calls::invoke::tcb_resume(&t.ipc, watched.thread.tcb)?;
    let fault = test_support::expect(t.next_fault(&watched)?, "fault")?;
    equal("the label", fault.label, USER_EXCEPTION)?;
    equal("the vector", fault.words[3], 7)
}
