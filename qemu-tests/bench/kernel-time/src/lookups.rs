//! Capability addresses that take as many steps as they have bits.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::{
    Ipc,
    invoke::{self, SlotPath},
};
use sel4_sys::object::ObjectType::{CNode, Endpoint};
use sel4_sys::{CNodeCapData, CapRights, MessageInfo, invocation as label, slot};
use test_support::cpu::ticks;
use test_support::threads::{Plan, clear_notes, note, noted};
use test_support::{Outcome, Test, Tester, ensure};

use crate::report;

pub(crate) const WORKLOADS: &[Test] = &[
    Test {
        id: "deep-copy",
        rule: "a copy between slots at depth 64, with three more capabilities as deep",
        run: deep_copy,
    },
    Test {
        id: "deep-message",
        rule: "120 words and three capabilities, all addresses 64 levels deep, the receiver's too",
        run: deep_message,
    },
];

/// Address of the CNode itself: every bit leads back to it.
const ITSELF: u64 = 0;
/// Address of its other slot.
const OTHER: u64 = 1;

/// A CNode of two slots, the first of which holds the CNode: each level resolves one bit.
fn endless(t: &mut Tester) -> Result<u64, sel4_sys::Error> {
    let cnode = t.make(CNode, 1)?;
    put(t, cnode, ITSELF, cnode)?;
    Ok(cnode)
}

fn put(t: &Tester, cnode: u64, index: u64, from: u64) -> Result<(), sel4_sys::Error> {
    let to = SlotPath {
        root: cnode,
        index,
        depth: 1,
    };
    let from = SlotPath {
        root: slot::CNODE,
        index: from,
        depth: 64,
    };
    invoke::cnode_copy(&t.ipc, to, from, CapRights::ALL)
}

/// A thread whose capabilities all are in that CNode.
fn plan(entry: fn(Ipc, u64), cnode: u64) -> Plan {
    let mut plan = Plan::new(entry, 0);
    plan.cspace = (cnode, CNodeCapData::new(0, 0));
    plan
}

/// Ends the thread, which cannot name itself, by a fault that nobody handles.
fn stop(ipc: Ipc) {
    let _ = ipc.wait(ITSELF);
}

fn copy(ipc: Ipc, _: u64) {
    let words = [OTHER, 64, ITSELF, 64, CapRights::ALL.0];
    let start = ticks();
    let answer = ipc.invoke(ITSELF, label::CNODE_COPY, &words, &[ITSELF; 3]);
    note(1).store(ticks() - start, SeqCst);
    note(2).store(u64::from(answer.is_ok()), SeqCst);
    stop(ipc);
}

fn deep_copy(t: &mut Tester) -> Outcome {
    clear_notes();
    let cnode = endless(t)?;
    t.spawn(plan(copy, cnode))?;
    t.let_others_run()?;
    ensure(noted(2) == 1, "the copy was refused")?;
    report("time-deep-copy", noted(1));
    Ok(())
}

const MESSAGE: MessageInfo = MessageInfo::new(7, 3, 120);

fn send(ipc: Ipc, _: u64) {
    for index in 0..3 {
        ipc.set_capability(index, ITSELF);
    }
    note(1).store(ticks(), SeqCst);
    ipc.send(OTHER, MESSAGE, [1; 4]);
    stop(ipc);
}

fn receive(ipc: Ipc, _: u64) {
    // Its capabilities go where the CNode itself is: no slot is free, but all are looked up.
    ipc.set_receive_slot(ITSELF, ITSELF, 64);
    let got = ipc.wait(OTHER);
    note(2).store(ticks(), SeqCst);
    note(3).store(got.info.length(), SeqCst);
    stop(ipc);
}

fn deep_message(t: &mut Tester) -> Outcome {
    clear_notes();
    let endpoint = t.make(Endpoint, 0)?;
    for (entry, priority) in [(receive as fn(Ipc, u64), 201), (send, 200)] {
        let cnode = endless(t)?;
        put(t, cnode, OTHER, endpoint)?;
        t.spawn(plan(entry, cnode).priority(priority))?;
    }
    t.let_others_run()?;
    ensure(noted(3) == 120, "the message did not arrive")?;
    report("time-deep-message", noted(2) - noted(1));
    Ok(())
}
