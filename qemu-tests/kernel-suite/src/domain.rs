//! Domains: checks of their operations; threads run in their domain's turns only.
//!
//! Kernels are built with a number of domains; where there is one, what needs two is skipped.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::Ipc;
use sel4_sys::error::Error::{
    self, IllegalOperation, InvalidArgument, RangeError, TruncatedMessage,
};
use sel4_sys::object::ObjectType::Tcb;
use sel4_sys::{invocation as label, slot};
use test_support::cpu::ticks;
use test_support::threads::{clear_notes, note, noted};
use test_support::{Failure, Outcome, Plan, Test, Tester, ensure, refused};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "domain-set-0001",
        rule: "DomainSet refuses a domain that there is not, then a missing thread, then what is none",
        run: set_refusals,
    },
    Test {
        id: "domain-schedule-0001",
        rule: "ScheduleConfigure checks index, domain, length of time, end marks, in this order",
        run: configure_refusals,
    },
    Test {
        id: "domain-schedule-0002",
        rule: "ScheduleSetStart refuses indexes out of range, then end marks",
        run: set_start_refusals,
    },
    Test {
        id: "domain-schedule-0003",
        rule: "the Domain capability knows three operations",
        run: unknown_operation,
    },
    Test {
        id: "domain-run-0001",
        rule: "a thread of highest priority does not run outside its domain's time",
        run: waits_for_its_turn,
    },
    Test {
        id: "domain-run-0002",
        rule: "domains share the time as their schedule says, whatever their threads' priorities",
        run: share_time,
    },
    Test {
        id: "domain-run-0003",
        rule: "a thread that is moved to the current domain runs there",
        run: moved_back,
    },
];

/// The longest time of a schedule's entry, in ticks.
const TIME_MAX: u64 = u64::MAX >> 8;

fn set(t: &Tester, domain: u64, thread: u64) -> Result<(), Error> {
    let invoked = t
        .ipc
        .invoke(slot::DOMAIN, label::DOMAIN_SET_SET, &[domain], &[thread]);
    invoked.map(drop)
}

fn configure(t: &Tester, index: u64, domain: u64, time: u64) -> Result<(), Error> {
    let words = [index, domain, time];
    let operation = label::DOMAIN_SCHEDULE_CONFIGURE;
    t.ipc.invoke(slot::DOMAIN, operation, &words, &[]).map(drop)
}

fn set_start(t: &Tester, index: u64) -> Result<(), Error> {
    let operation = label::DOMAIN_SCHEDULE_SET_START;
    t.ipc
        .invoke(slot::DOMAIN, operation, &[index], &[])
        .map(drop)
}

/// Leaves the test out where there is one domain.
fn needs_domains(t: &mut Tester) -> Outcome {
    let thread = t.make(Tcb, 0)?;
    match set(t, 1, thread) {
        Ok(()) => Ok(()),
        Err(_) => Err(Failure::skipped("the kernel is built with one domain")),
    }
}

fn set_refusals(t: &mut Tester) -> Outcome {
    let ask = |words: &[u64], caps: &[u64]| {
        t.ipc
            .invoke(slot::DOMAIN, label::DOMAIN_SET_SET, words, caps)
    };
    refused("no domain", ask(&[], &[slot::TCB]), TruncatedMessage)?;
    refused("domain 256", ask(&[256], &[]), InvalidArgument)?;
    refused("domain -1", ask(&[u64::MAX], &[slot::TCB]), InvalidArgument)?;
    refused("no thread", ask(&[0], &[]), TruncatedMessage)?;
    refused("a CNode", ask(&[0], &[slot::CNODE]), InvalidArgument)?;
    Ok(set(t, 0, slot::TCB)?)
}

fn configure_refusals(t: &mut Tester) -> Outcome {
    let truncated = t
        .ipc
        .invoke(slot::DOMAIN, label::DOMAIN_SCHEDULE_CONFIGURE, &[0, 0], &[]);
    refused("no time", truncated, TruncatedMessage)?;
    refused(
        "an index out of range",
        configure(t, 1000, 256, 0),
        RangeError,
    )?;
    refused("a domain", configure(t, 0, 256, u64::MAX), RangeError)?;
    refused(
        "too much time",
        configure(t, 0, 0, TIME_MAX + 1),
        InvalidArgument,
    )?;
    refused(
        "no time where the schedule starts",
        configure(t, 0, 0, 0),
        InvalidArgument,
    )?;
    configure(t, 0, 0, TIME_MAX)?;
    needs_domains(t)?;
    refused(
        "an end mark with a domain",
        configure(t, 5, 1, 0),
        InvalidArgument,
    )?;
    Ok(configure(t, 5, 0, 0)?)
}

fn set_start_refusals(t: &mut Tester) -> Outcome {
    refused("an index out of range", set_start(t, 1000), RangeError)?;
    refused("an end mark", set_start(t, 1), InvalidArgument)?;
    Ok(set_start(t, 0)?)
}

fn unknown_operation(t: &mut Tester) -> Outcome {
    let wrong = t
        .ipc
        .invoke(slot::DOMAIN, label::TCB_SUSPEND, &[0, 0, 0], &[slot::TCB]);
    refused("TCBSuspend", wrong, IllegalOperation)
}

fn count(_: Ipc, index: u64) {
    let counter = note(usize::try_from(index).unwrap_or(0));
    loop {
        counter.fetch_add(1, SeqCst);
    }
}

fn count_once(_: Ipc, index: u64) {
    note(usize::try_from(index).unwrap_or(0)).fetch_add(1, SeqCst);
}

/// Starts `entry` in a domain, at this priority.
fn start_in(
    t: &mut Tester,
    domain: u64,
    priority: u64,
    entry: fn(Ipc, u64),
) -> Result<u64, Failure> {
    let plan = Plan::new(entry, domain)
        .priority(priority)
        .budget(1000, 1000);
    let thread = t.prepare(plan)?;
    set(t, domain, thread.tcb)?;
    let start = kernel_calls::invoke::Resume::Yes;
    kernel_calls::invoke::tcb_write_registers(&t.ipc, thread.tcb, start, &thread.context)?;
    Ok(thread.tcb)
}

fn waits_for_its_turn(t: &mut Tester) -> Outcome {
    clear_notes();
    needs_domains(t)?;
    start_in(t, 1, 255, count_once)?;
    t.set_own_priority(10)?;
    t.let_others_run()?;
    ensure(noted(1) == 0, "it ran")?;
    let unit = 2_000 * t.ticks_per_us();
    configure(t, 3, 0, unit)?;
    configure(t, 4, 1, unit)?;
    set_start(t, 3)?;
    let deadline = ticks() + 1000 * unit;
    while noted(1) == 0 && ticks() < deadline {}
    set_start(t, 0)?;
    ensure(noted(1) == 1, "it never ran")
}

fn share_time(t: &mut Tester) -> Outcome {
    clear_notes();
    needs_domains(t)?;
    start_in(t, 1, 255, count)?;
    start_in(t, 2, 1, count)?;
    // Long compared with the emulator's lateness.
    let unit = 10_000 * t.ticks_per_us();
    configure(t, 3, 0, unit)?;
    configure(t, 4, 1, unit)?;
    configure(t, 5, 2, 4 * unit)?;
    set_start(t, 3)?;
    let deadline = ticks() + 60 * unit;
    let mut own = 0u64;
    while ticks() < deadline {
        own += 1;
    }
    set_start(t, 0)?;
    ensure(
        own > 0 && noted(1) > 0 && noted(2) > 0,
        "a domain never ran",
    )?;
    ensure(noted(2) > 2 * noted(1), "the longer time is not longer")
}

fn moved_back(t: &mut Tester) -> Outcome {
    clear_notes();
    needs_domains(t)?;
    let thread = start_in(t, 1, 200, count_once)?;
    t.set_own_priority(100)?;
    ensure(noted(1) == 0, "it ran in another domain's time")?;
    set(t, 0, thread)?;
    t.let_others_run()?;
    ensure(noted(1) == 1, "it did not run")
}
