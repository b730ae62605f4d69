//! Refills: when used time comes back.
//!
//! What is measured is time to some ten microseconds, which only a clock of counted instructions gives.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::{Ipc, invoke};
use sel4_sys::invocation as label;
use test_support::cpu::{spin, ticks};
use test_support::threads::{clear_notes, note, noted};
use test_support::{Outcome, Plan, Test, Tester, ensure};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "schedule-refill-0001",
        rule: "time used in two pieces comes back in two pieces, each a period after its use began",
        run: |t| pieces(t, 0),
    },
    Test {
        id: "schedule-refill-0002",
        rule: "a sporadic context (flag 1) gets its pieces back in the same way",
        run: |t| pieces(t, SPORADIC),
    },
    Test {
        id: "schedule-refill-0003",
        rule: "time that nobody used is not saved up: after a long wait there is one budget",
        run: |t| nothing_saved(t, 0),
    },
    Test {
        id: "schedule-refill-0004",
        rule: "a sporadic context saves nothing up either",
        run: |t| nothing_saved(t, SPORADIC),
    },
];

/// The flag of a sporadic context.
const SPORADIC: u64 = 1;
const BUDGET_US: u64 = 1_000;
const PERIOD_US: u64 = 8_000;
/// The first piece of the budget that is used by itself, and when the second begins.
const PIECE_US: u64 = 400;
const PAUSE_US: u64 = 2_000;
/// How exact all this is.
const TOLERANCE_US: u64 = 80;

/// Works for a piece at the first signal and for ever from the second on. Notes begin and end of each stretch of
/// time in which it runs, four in all: pairs of notes. Argument: notification, ticks in a microsecond.
fn work(ipc: Ipc, argument: u64) {
    let (notification, rate) = (argument & 0xffff, argument >> 16);
    let _ = ipc.wait(notification);
    note(0).store(ticks(), SeqCst);
    spin(PIECE_US * rate);
    note(1).store(ticks(), SeqCst);
    let _ = ipc.wait(notification);
    work_for_ever(2, rate);
}

/// The same without the first piece.
fn work_at_once(ipc: Ipc, argument: u64) {
    let (notification, rate) = (argument & 0xffff, argument >> 16);
    let _ = ipc.wait(notification);
    work_for_ever(0, rate);
}

fn work_for_ever(first: usize, rate: u64) {
    let gap = TOLERANCE_US * rate;
    let mut before = ticks();
    for stretch in (first..8).step_by(2) {
        note(stretch).store(before, SeqCst);
        let mut now = ticks();
        while now - before < gap {
            before = now;
            now = ticks();
        }
        note(stretch + 1).store(before, SeqCst);
        before = now;
    }
}

/// Lets a thread work on a context of these flags; signals it now and after each of the pauses, until it is done.
fn let_work(
    t: &mut Tester,
    entry: test_support::threads::Entry,
    flags: u64,
    pauses_us: &[u64],
) -> Outcome {
    clear_notes();
    let (rate, notification) = (t.ticks_per_us(), t.notification()?);
    let argument = notification | rate << 16;
    let thread = t.prepare(Plan::new(entry, argument).priority(200))?;
    let words = [BUDGET_US, PERIOD_US, 2, 0, flags];
    t.ipc.invoke(
        t.boot.sched_control.start,
        label::SCHED_CONTROL_CONFIGURE_FLAGS,
        &words,
        &[thread.sched_context],
    )?;
    invoke::tcb_write_registers(&t.ipc, thread.tcb, invoke::Resume::Yes, &thread.context)?;
    t.set_own_priority(100)?;
    for pause_us in pauses_us {
        spin(pause_us * rate);
        t.ipc.signal(notification);
    }
    let limit = ticks() + 10 * PERIOD_US * rate;
    while noted(7) == 0 && ticks() < limit {}
    t.set_own_priority(255)?;
    ensure(noted(7) != 0, "the thread did not run four times")
}

/// The time from one note to a later one.
fn between(t: &Tester, what: &'static str, notes: [usize; 2], expected_us: u64) -> Outcome {
    let [from, to] = notes.map(noted);
    let off = (to - from).abs_diff(expected_us * t.ticks_per_us());
    ensure(off < TOLERANCE_US * t.ticks_per_us(), what)
}

fn pieces(t: &mut Tester, flags: u64) -> Outcome {
    let_work(t, work, flags, &[1_000, PAUSE_US])?;
    between(t, "the rest of the budget", [2, 3], BUDGET_US - PIECE_US)?;
    between(t, "the first piece comes back", [0, 4], PERIOD_US)?;
    between(t, "the first piece again", [4, 5], PIECE_US)?;
    between(t, "the second piece comes back", [2, 6], PERIOD_US)?;
    between(t, "the second piece again", [6, 7], BUDGET_US - PIECE_US)
}

fn nothing_saved(t: &mut Tester, flags: u64) -> Outcome {
    let_work(t, work_at_once, flags, &[5 * PERIOD_US])?;
    for first in [0, 2, 4, 6] {
        between(t, "a whole budget", [first, first + 1], BUDGET_US)?;
    }
    for first in [0, 2, 4] {
        between(t, "a whole period", [first, first + 2], PERIOD_US)?;
    }
    Ok(())
}
