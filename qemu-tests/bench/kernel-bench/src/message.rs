//! Messages and signals.

use core::sync::atomic::Ordering::Relaxed;

use sel4_sys::{Ipc, MessageInfo, syscall};
use test_support::cpu::ticks;
use test_support::threads::note;
use test_support::{Outcome, Plan, Test, Tester};

use crate::{ROUNDS, report};

pub(crate) const MEASUREMENTS: &[Test] = &[
    Test {
        id: "call",
        rule: "Call and ReplyRecv without words between two address spaces, one way",
        run: call,
    },
    Test {
        id: "signal",
        rule: "Signal to a waiting thread of higher and of lower priority",
        run: signal,
    },
];

/// Notes: when the last message left, and the least times of both directions.
const LEFT: usize = 0;
const CALL: usize = 1;
const REPLY: usize = 2;

/// Keeps the least time since a message left.
fn arrived(index: usize) {
    let took = ticks() - note(LEFT).load(Relaxed);
    note(index).fetch_min(took, Relaxed);
}

fn leaves() {
    note(LEFT).store(ticks(), Relaxed);
}

/// Answers for ever. The capabilities: endpoint and reply object in one word.
fn serve(ipc: Ipc, capabilities: u64) {
    let (endpoint, reply) = (capabilities >> 32, capabilities & 0xffff_ffff);
    let _ = ipc.recv(endpoint, reply);
    loop {
        arrived(CALL);
        leaves();
        let _ = ipc.reply_recv(endpoint, MessageInfo::new(0, 0, 0), [0; 4], reply);
    }
}

fn call(t: &mut Tester) -> Outcome {
    note(CALL).store(u64::MAX, Relaxed);
    note(REPLY).store(u64::MAX, Relaxed);
    let (endpoint, reply, space) = (t.endpoint()?, t.reply()?, t.space_with_image()?);
    let capabilities = endpoint << 32 | reply;
    // A passive server: it gets time with each call.
    let plan = Plan::new(serve, capabilities).priority(200).in_space(space);
    let server = t.spawn(plan.budget(10_000, 10_000))?;
    t.set_own_priority(100)?;
    let unbind = sel4_sys::invocation::SCHED_CONTEXT_UNBIND;
    t.ipc.invoke(server.sched_context, unbind, &[], &[])?;
    for _ in 0..ROUNDS {
        leaves();
        let _ = t.ipc.call(endpoint, MessageInfo::new(0, 0, 0), [0; 4]);
        arrived(REPLY);
    }
    report("call", note(CALL).load(Relaxed));
    report("reply-recv", note(REPLY).load(Relaxed));
    Ok(())
}

fn wait_for_signals(ipc: Ipc, notification: u64) {
    loop {
        let _ = ipc.wait(notification);
        arrived(CALL);
    }
}

fn signal(t: &mut Tester) -> Outcome {
    note(CALL).store(u64::MAX, Relaxed);
    let (notification, space) = (t.notification()?, t.space_with_image()?);
    let plan = Plan::new(wait_for_signals, notification).in_space(space);
    t.spawn(plan.priority(200))?;
    t.set_own_priority(100)?;
    for _ in 0..ROUNDS {
        leaves();
        t.ipc.signal(notification);
    }
    report("signal-to-higher", note(CALL).load(Relaxed));
    t.set_own_priority(250)?;
    let mut least = u64::MAX;
    for _ in 0..ROUNDS {
        // The waiter runs and waits again while this thread sleeps in the lowest place.
        t.set_own_priority(100)?;
        t.set_own_priority(250)?;
        let start = ticks();
        t.ipc.signal(notification);
        least = least.min(ticks() - start);
    }
    report("signal-to-lower", least);
    let start = ticks();
    syscall::yield_now();
    report("yield-alone", ticks() - start);
    Ok(())
}
