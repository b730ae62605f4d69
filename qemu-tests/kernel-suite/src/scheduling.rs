//! Priorities, preemption, budgets and periods, donation, scheduling context operations.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::{
    Ipc,
    invoke::{self, SchedParams},
};
use sel4_sys::error::Error::{IllegalOperation, InvalidCapability, RangeError};
use sel4_sys::fault::{TIMEOUT, TIMEOUT_WORDS};
use sel4_sys::object::ObjectType::SchedContext;
use sel4_sys::{MessageInfo, invocation as label, slot};
use test_support::cpu::{spin, ticks};
use test_support::threads::{clear_notes, note, noted};
use test_support::{Outcome, Plan, Test, Tester, ensure, equal, refused};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "schedule-priority-0001",
        rule: "threads run in the order of their priorities",
        run: order,
    },
    Test {
        id: "schedule-priority-0002",
        rule: "raising a ready thread above the running one preempts at once, lowering oneself too",
        run: change_preempts,
    },
    Test {
        id: "schedule-priority-0003",
        rule: "threads of equal priority take turns by Yield",
        run: yield_turns,
    },
    Test {
        id: "schedule-priority-0004",
        rule: "threads of equal priority that never yield take turns by budget",
        run: round_robin,
    },
    Test {
        id: "schedule-budget-0001",
        rule: "a spinning thread of highest priority gets its budget in each period and no more",
        run: budget_bounds,
    },
    Test {
        id: "schedule-budget-0002",
        rule: "a thread that used up its budget runs again in the next period",
        run: replenished,
    },
    Test {
        id: "schedule-budget-0003",
        rule: "with a timeout handler the end of the budget is a Timeout fault with badge and time",
        run: timeout_fault,
    },
    Test {
        id: "schedule-budget-0004",
        rule: "Consumed tells the microseconds used since it was asked last",
        run: consumed,
    },
    Test {
        id: "schedule-configure-0001",
        rule: "budgets above the period, too short ones and too many refills are RangeError",
        run: configure_refusals,
    },
    Test {
        id: "schedule-configure-0002",
        rule: "SchedControl takes only a scheduling context",
        run: configure_wrong_object,
    },
    Test {
        id: "schedule-configure-0003",
        rule: "SchedControl looks at budget and period, then at the context, then at the refills",
        run: configure_order,
    },
    Test {
        id: "schedule-bind-0001",
        rule: "a scheduling context serves one thread, a thread has one scheduling context",
        run: bind_refusals,
    },
    Test {
        id: "schedule-bind-0002",
        rule: "unbinding stops a thread, binding lets it go on",
        run: unbind_stops,
    },
    Test {
        id: "schedule-bind-0003",
        rule: "a scheduling context bound to a notification is lent to the passive thread it wakes",
        run: lent_by_notification,
    },
    Test {
        id: "schedule-donation-0001",
        rule: "a passive server runs on its caller's time, which returns with the reply",
        run: donation,
    },
    Test {
        id: "schedule-donation-0002",
        rule: "a chain of passive servers hands the time on and back",
        run: donation_chain,
    },
    Test {
        id: "schedule-donation-0003",
        rule: "a message by Send lends no time: a passive receiver waits",
        run: send_lends_nothing,
    },
    Test {
        id: "schedule-yield-to-0001",
        rule: "YieldTo runs the other thread and tells its time",
        run: yield_to,
    },
    Test {
        id: "schedule-delete-0001",
        rule: "deleting a thread's scheduling context stops it and nothing else",
        run: delete_context,
    },
];

/// As much time as a thread likes.
pub(crate) fn full_time(badge: u64) -> SchedParams {
    SchedParams {
        budget_us: 10_000,
        period_us: 10_000,
        extra_refills: 0,
        badge,
    }
}

fn append(_: Ipc, digit: u64) {
    let before = noted(0);
    note(0).store(before * 10 + digit, SeqCst);
}

fn order(t: &mut Tester) -> Outcome {
    clear_notes();
    for (digit, priority) in [(3, 50), (1, 150), (4, 20), (2, 100)] {
        t.spawn(Plan::new(append, digit).priority(priority))?;
    }
    t.let_others_run()?;
    equal("the order", noted(0), 1234)
}

fn change_preempts(t: &mut Tester) -> Outcome {
    clear_notes();
    t.set_own_priority(100)?;
    let thread = t.spawn(Plan::new(append, 1).priority(50))?;
    equal("the note before", noted(0), 0)?;
    invoke::tcb_set_priority(&t.ipc, thread.tcb, slot::TCB, 150)?;
    equal("the note after the raise", noted(0), 1)?;
    t.spawn(Plan::new(append, 2).priority(50))?;
    t.set_own_priority(40)?;
    equal("the note after the lowering", noted(0), 12)
}

fn append_three_times(_: Ipc, digit: u64) {
    for _ in 0..3 {
        append_digit(digit);
        kernel_calls::yield_now();
    }
}

fn append_digit(digit: u64) {
    let before = noted(0);
    note(0).store(before * 10 + digit, SeqCst);
}

fn yield_turns(t: &mut Tester) -> Outcome {
    clear_notes();
    t.spawn(Plan::new(append_three_times, 1).priority(50))?;
    t.spawn(Plan::new(append_three_times, 2).priority(50))?;
    t.let_others_run()?;
    let in_turns = noted(0) == 121_212 || noted(0) == 212_121;
    ensure(in_turns, "the threads did not take turns")
}

fn count_for_ever(_: Ipc, index: u64) {
    let counter = note(usize::try_from(index).unwrap_or(0));
    loop {
        counter.fetch_add(1, SeqCst);
    }
}

fn wait_until(deadline: u64) {
    while ticks() < deadline {
        kernel_calls::yield_now();
    }
}

fn round_robin(t: &mut Tester) -> Outcome {
    clear_notes();
    let limit = 200_000 * t.ticks_per_us();
    for index in [1, 2] {
        t.spawn(
            Plan::new(count_for_ever, index)
                .priority(200)
                .budget(1000, 1000),
        )?;
    }
    t.set_own_priority(200)?;
    let start = ticks();
    while ticks() - start < limit && (noted(1) == 0 || noted(2) == 0) {
        kernel_calls::yield_now();
    }
    ensure(noted(1) > 0, "the first never ran")?;
    ensure(noted(2) > 0, "the second never ran")
}

/// Counts the microseconds in which it runs: gaps between two looks at the clock are not its own.
fn measure_own_time(_: Ipc, ticks_per_us: u64) {
    let gap = 50 * ticks_per_us;
    let mut before = ticks();
    loop {
        let now = ticks();
        if now - before < gap {
            note(1).fetch_add(now - before, SeqCst);
        } else {
            note(2).fetch_add(1, SeqCst);
        }
        before = now;
    }
}

fn budget_bounds(t: &mut Tester) -> Outcome {
    clear_notes();
    let rate = t.ticks_per_us();
    let plan = Plan::new(measure_own_time, rate)
        .priority(200)
        .budget(2_000, 20_000);
    t.spawn(plan)?;
    t.set_own_priority(100)?;
    let start = ticks();
    wait_until(start + 400_000 * rate);
    let elapsed_us = (ticks() - start) / rate;
    t.set_own_priority(255)?;
    let used_us = noted(1) / rate;
    ensure(used_us > 0, "the thread never ran")?;
    // 10 % are promised; the emulator's clock stops for nobody, so allow as much again.
    ensure(
        used_us * 5 < elapsed_us,
        "the thread took more than its budget",
    )
}

fn replenished(t: &mut Tester) -> Outcome {
    clear_notes();
    let rate = t.ticks_per_us();
    t.spawn(
        Plan::new(measure_own_time, rate)
            .priority(200)
            .budget(1_000, 10_000),
    )?;
    t.set_own_priority(100)?;
    let limit = ticks() + 2_000_000 * rate;
    while noted(2) < 5 && ticks() < limit {
        kernel_calls::yield_now();
    }
    ensure(noted(2) >= 5, "the thread did not get five new budgets")
}

fn timeout_fault(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    let mut plan = Plan::new(count_for_ever, 1)
        .priority(200)
        .budget(1_000, 50_000);
    plan.badge = 0x77;
    let thread = t.prepare(plan)?;
    let badged = t.mint(endpoint, sel4_sys::CapRights::ALL, 5)?;
    invoke::tcb_set_timeout_endpoint(&t.ipc, thread.tcb, badged)?;
    invoke::tcb_write_registers(&t.ipc, thread.tcb, invoke::Resume::Yes, &thread.context)?;
    let got = t.ipc.recv(endpoint, reply);
    equal("the label", got.info.label(), TIMEOUT)?;
    equal("the length", got.info.length(), TIMEOUT_WORDS)?;
    equal("the endpoint's badge", got.badge, 5)?;
    equal("the context's badge", got.message[0], 0x77)?;
    ensure(got.message[1] >= 900, "less than the budget was consumed")?;
    let counted = noted(1);
    // Give it more time and let it go on.
    t.configure(
        thread.sched_context,
        SchedParams {
            budget_us: 5_000,
            period_us: 50_000,
            extra_refills: 0,
            badge: 0x78,
        },
    )?;
    t.ipc.send(reply, MessageInfo::new(0, 0, 0), [0; 4]);
    let got = t.ipc.recv(endpoint, reply);
    ensure(got.info.label() == TIMEOUT, "no second timeout fault")?;
    equal("the new badge", got.message[0], 0x78)?;
    ensure(noted(1) > counted, "the thread did not go on")
}

fn spin_then_stop(_: Ipc, duration: u64) {
    spin(duration);
}

fn consumed(t: &mut Tester) -> Outcome {
    let rate = t.ticks_per_us();
    let thread = t.spawn(
        Plan::new(spin_then_stop, 2_000 * rate)
            .priority(200)
            .budget(100_000, 100_000),
    )?;
    t.let_others_run()?;
    let ask = || {
        t.ipc
            .invoke(
                thread.sched_context,
                label::SCHED_CONTEXT_CONSUMED,
                &[],
                &[],
            )
            .map(|reply| reply.message[0])
    };
    ensure(ask()? >= 2_000, "less than the thread's time")?;
    ensure(ask()? < 1_000, "the count does not start again")
}

fn configure_refusals(t: &mut Tester) -> Outcome {
    let context = t.make(SchedContext, 7)?;
    let base = full_time(0);
    let attempt = |parameters| t.configure(context, parameters);
    refused(
        "a budget above the period",
        attempt(SchedParams {
            budget_us: 10_001,
            ..base
        }),
        RangeError,
    )?;
    refused(
        "no budget",
        attempt(SchedParams {
            budget_us: 0,
            ..base
        }),
        RangeError,
    )?;
    refused(
        "an endless period",
        attempt(SchedParams {
            period_us: u64::MAX,
            ..base
        }),
        RangeError,
    )?;
    refused(
        "an endless budget",
        attempt(SchedParams {
            budget_us: u64::MAX,
            period_us: u64::MAX,
            ..base
        }),
        RangeError,
    )?;
    refused(
        "a thousand refills in 128 bytes",
        attempt(SchedParams {
            budget_us: 1_000,
            extra_refills: 1_000,
            ..base
        }),
        RangeError,
    )?;
    attempt(base)?;
    Ok(())
}

fn configure_wrong_object(t: &mut Tester) -> Outcome {
    let endpoint = t.endpoint()?;
    let result = t.configure(endpoint, full_time(0));
    refused("an endpoint", result, InvalidCapability)
}

fn configure_order(t: &mut Tester) -> Outcome {
    let context = t.make(SchedContext, 7)?;
    let wrong = SchedParams {
        budget_us: 20_000,
        extra_refills: 1000,
        ..full_time(0)
    };
    refused("all of it", t.configure(slot::TCB, wrong), RangeError)?;
    let wrong = SchedParams {
        budget_us: 10_000,
        ..wrong
    };
    refused(
        "refills of a thread",
        t.configure(slot::TCB, wrong),
        InvalidCapability,
    )?;
    refused("too many refills", t.configure(context, wrong), RangeError)
}

fn bind_refusals(t: &mut Tester) -> Outcome {
    let one = t.prepare(Plan::new(append, 0))?;
    let passive = t.prepare(Plan::new(append, 0).passive())?;
    let endpoint = t.endpoint()?;
    let free = t.make(SchedContext, 8)?;
    let bind = |context, object| invoke::sched_context_bind(&t.ipc, context, object);
    refused(
        "a context in use",
        bind(one.sched_context, passive.tcb),
        IllegalOperation,
    )?;
    refused("a second context", bind(free, one.tcb), IllegalOperation)?;
    refused("an endpoint", bind(free, endpoint), InvalidCapability)?;
    bind(free, passive.tcb)?;
    let unbind = |context, label, caps: &[u64]| t.ipc.invoke(context, label, &[], caps);
    refused(
        "unbinding another thread",
        unbind(free, label::SCHED_CONTEXT_UNBIND_OBJECT, &[one.tcb]),
        IllegalOperation,
    )?;
    unbind(free, label::SCHED_CONTEXT_UNBIND_OBJECT, &[passive.tcb])?;
    bind(free, passive.tcb)?;
    Ok(())
}

fn unbind_stops(t: &mut Tester) -> Outcome {
    clear_notes();
    let plan = Plan::new(count_for_ever, 1)
        .priority(200)
        .budget(1_000, 10_000);
    let thread = t.spawn(plan)?;
    let runs = t.let_others_run_until(|| noted(1) > 0)?;
    ensure(runs, "the thread did not run")?;
    t.ipc
        .invoke(thread.sched_context, label::SCHED_CONTEXT_UNBIND, &[], &[])?;
    let before = noted(1);
    t.let_others_run()?;
    equal("the count without time", noted(1), before)?;
    invoke::sched_context_bind(&t.ipc, thread.sched_context, thread.tcb)?;
    let goes_on = t.let_others_run_until(|| noted(1) > before)?;
    ensure(goes_on, "the thread did not go on")
}

fn wait_and_count(ipc: Ipc, notification: u64) {
    loop {
        let got = ipc.wait(notification);
        note(0).fetch_add(1, SeqCst);
        note(1).store(got.badge, SeqCst);
    }
}

fn lent_by_notification(t: &mut Tester) -> Outcome {
    clear_notes();
    let notification = t.notification()?;
    let badged = t.mint(notification, sel4_sys::CapRights::ALL, 0x40)?;
    let thread = t.prepare(Plan::new(wait_and_count, notification))?;
    invoke::tcb_bind_notification(&t.ipc, thread.tcb, notification)?;
    invoke::tcb_write_registers(&t.ipc, thread.tcb, invoke::Resume::Yes, &thread.context)?;
    t.let_others_run()?;
    // Take the thread's time away while it waits, and give it to the notification.
    t.ipc
        .invoke(thread.sched_context, label::SCHED_CONTEXT_UNBIND, &[], &[])?;
    t.ipc.signal(badged);
    t.let_others_run()?;
    equal("the count without time", noted(0), 0)?;
    invoke::sched_context_bind(&t.ipc, thread.sched_context, thread.tcb)?;
    t.let_others_run()?;
    equal("the count with own time", noted(0), 1)?;
    t.ipc
        .invoke(thread.sched_context, label::SCHED_CONTEXT_UNBIND, &[], &[])?;
    invoke::sched_context_bind(&t.ipc, thread.sched_context, notification)?;
    for count in 2..5 {
        t.ipc.signal(badged);
        t.let_others_run()?;
        equal("the count with lent time", noted(0), count)?;
    }
    equal("the badge", noted(1), 0x40)
}

/// A server that adds one; its argument holds endpoint and reply object.
fn serve(ipc: Ipc, argument: u64) {
    let (endpoint, reply) = (argument & 0xffff, argument >> 16);
    let mut got = ipc.recv(endpoint, reply);
    loop {
        note(0).fetch_add(1, SeqCst);
        let answer = [got.message[0] + 1, 0, 0, 0];
        got = ipc.reply_recv(endpoint, MessageInfo::new(0, 0, 1), answer, reply);
    }
}

/// Starts a server of `entry` with its own time, waits until it receives, and takes its time away.
fn passive_server(t: &mut Tester, entry: test_support::threads::Entry, argument: u64) -> Outcome {
    let thread = t.spawn(Plan::new(entry, argument))?;
    t.let_others_run()?;
    t.ipc
        .invoke(thread.sched_context, label::SCHED_CONTEXT_UNBIND, &[], &[])?;
    t.delete(thread.sched_context)?;
    Ok(())
}

fn donation(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    passive_server(t, serve, endpoint | reply << 16)?;
    for value in 1..20 {
        let got = t
            .ipc
            .call(endpoint, MessageInfo::new(0, 0, 1), [value, 0, 0, 0]);
        equal("the answer", got.message[0], value + 1)?;
    }
    equal("the server's count", noted(0), 19)
}

/// A server that asks another; its argument holds endpoint, reply object and the other's endpoint.
fn relay(ipc: Ipc, argument: u64) {
    let (endpoint, reply, next) = (argument & 0xffff, (argument >> 16) & 0xffff, argument >> 32);
    let mut got = ipc.recv(endpoint, reply);
    loop {
        let answer = ipc.call(next, MessageInfo::new(0, 0, 1), got.message);
        let words = [answer.message[0] + 100, 0, 0, 0];
        got = ipc.reply_recv(endpoint, MessageInfo::new(0, 0, 1), words, reply);
    }
}

fn donation_chain(t: &mut Tester) -> Outcome {
    clear_notes();
    let (last, reply) = (t.endpoint()?, t.reply()?);
    passive_server(t, serve, last | reply << 16)?;
    let (middle, reply) = (t.endpoint()?, t.reply()?);
    passive_server(t, relay, middle | reply << 16 | last << 32)?;
    let (first, reply) = (t.endpoint()?, t.reply()?);
    passive_server(t, relay, first | reply << 16 | middle << 32)?;
    for value in 1..10 {
        let got = t
            .ipc
            .call(first, MessageInfo::new(0, 0, 1), [value, 0, 0, 0]);
        equal("the answer", got.message[0], value + 201)?;
    }
    Ok(())
}

fn receive_once(ipc: Ipc, argument: u64) {
    let _ = ipc.recv(argument & 0xffff, argument >> 16);
    note(0).fetch_add(1, SeqCst);
}

fn send_lends_nothing(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    let thread = t.spawn(Plan::new(receive_once, endpoint | reply << 16))?;
    t.let_others_run()?;
    t.ipc
        .invoke(thread.sched_context, label::SCHED_CONTEXT_UNBIND, &[], &[])?;
    t.ipc.send(endpoint, MessageInfo::new(0, 0, 0), [0; 4]);
    t.let_others_run()?;
    equal("the count without time", noted(0), 0)?;
    invoke::sched_context_bind(&t.ipc, thread.sched_context, thread.tcb)?;
    t.let_others_run()?;
    equal("the count with time", noted(0), 1)
}

fn yield_to(t: &mut Tester) -> Outcome {
    clear_notes();
    let rate = t.ticks_per_us();
    t.set_own_priority(150)?;
    let thread = t.spawn(Plan::new(spin_then_stop, 1_000 * rate).priority(150))?;
    let got = t.ipc.invoke(
        thread.sched_context,
        label::SCHED_CONTEXT_YIELD_TO,
        &[],
        &[],
    )?;
    ensure(
        got.message[0] >= 900,
        "the other thread's time is too short",
    )
}

fn delete_context(t: &mut Tester) -> Outcome {
    clear_notes();
    let plan = Plan::new(count_for_ever, 1)
        .priority(200)
        .budget(1_000, 10_000);
    let thread = t.spawn(plan)?;
    let runs = t.let_others_run_until(|| noted(1) > 0)?;
    ensure(runs, "the thread did not run")?;
    t.delete(thread.sched_context)?;
    let before = noted(1);
    spin(20_000 * t.ticks_per_us());
    t.let_others_run()?;
    equal("the count without context", noted(1), before)
}
