//! Queues with many threads in them.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::{
    Ipc,
    invoke::{self, Resume, SlotPath},
    user_context::UserContext,
};
use sel4_sys::object::ObjectType::{SchedContext, Tcb};
use sel4_sys::{CapRights, Error, MessageInfo, slot};
use test_support::cpu::ticks;
use test_support::threads::{Plan, clear_notes, note, noted};
use test_support::{Outcome, Test, Tester};

use crate::report;

pub(crate) const WORKLOADS: &[Test] = &[Test {
    id: "long-queue",
    rule: "a sender finds its place before 200 of lower priority; their sends are cancelled; their endpoint goes",
    run: long_queue,
}];

const THREADS: u64 = 200;

/// A thread that faults with its first instruction, so that it waits at its handler's endpoint.
fn waits_at(t: &mut Tester, endpoint: u64, priority: u64) -> Result<(), Error> {
    let tcb = t.make(Tcb, 0)?;
    let context = t.make(SchedContext, 8)?;
    let parameters = invoke::SchedParams {
        budget_us: 10_000,
        period_us: 10_000,
        extra_refills: 0,
        badge: 0,
    };
    t.configure(context, parameters)?;
    invoke::tcb_configure(&t.ipc, tcb, (slot::CNODE, 0), slot::VSPACE, (0, 0))?;
    let priorities = (priority, priority);
    invoke::tcb_set_sched_params(&t.ipc, tcb, slot::TCB, priorities, context, endpoint)?;
    invoke::tcb_write_registers(&t.ipc, tcb, Resume::Yes, &UserContext::default())
}

fn send(ipc: Ipc, endpoint: u64) {
    note(1).store(ticks(), SeqCst);
    ipc.send(endpoint, MessageInfo::default(), [0; 4]);
}

/// How long a send takes from its beginning until the first thread, of lower priority, runs.
fn blocking_send(t: &mut Tester, endpoint: u64) -> Result<u64, test_support::Failure> {
    clear_notes();
    t.set_own_priority(255)?;
    t.spawn(Plan::new(send, endpoint).priority(220))?;
    t.set_own_priority(210)?;
    let took = ticks() - noted(1);
    t.set_own_priority(255)?;
    Ok(took)
}

fn long_queue(t: &mut Tester) -> Outcome {
    let endpoint = t.endpoint()?;
    let badged = t.mint(endpoint, CapRights::ALL, 7)?;
    for _ in 0..THREADS {
        waits_at(t, badged, 200)?;
    }
    t.let_others_run()?;
    report("time-send-past-200", blocking_send(t, endpoint)?);
    let path = |index| SlotPath {
        root: slot::CNODE,
        index,
        depth: 64,
    };
    let start = ticks();
    invoke::cnode_cancel_badged_sends(&t.ipc, path(badged))?;
    report("time-cancel-200-sends", ticks() - start);
    t.revoke(endpoint)?;
    t.delete(endpoint)?;
    Ok(())
}
