//! Reply objects.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::{Ipc, invoke};
use sel4_sys::MessageInfo;
use test_support::threads::{Entry, clear_notes, note, noted};
use test_support::{Outcome, Plan, Test, Tester, equal};

use crate::endpoint::call_once;

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "reply-object-0001",
        rule: "a reply object answers one call, then does nothing",
        run: reply_once,
    },
    Test {
        id: "reply-object-0002",
        rule: "two calls are answered through two reply objects in any order",
        run: replies_in_any_order,
    },
    Test {
        id: "reply-object-0003",
        rule: "deleting the reply object ends the call without an answer",
        run: delete_reply,
    },
    Test {
        id: "reply-object-0005",
        rule: "the caller being suspended frees the reply object",
        run: suspend_caller,
    },
];

fn reply_once(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    t.spawn(Plan::new(call_once, endpoint))?;
    let _ = t.ipc.recv(endpoint, reply);
    for label in [1, 2, 3] {
        t.ipc.send(reply, MessageInfo::new(label, 0, 0), [0; 4]);
    }
    t.let_others_run()?;
    equal("the answer's label", noted(0), 1)?;
    equal("the answers", noted(3), 1)
}

fn call_with_label(ipc: Ipc, argument: u64) {
    let label = argument >> 16;
    let got = ipc.call(argument & 0xffff, MessageInfo::new(label, 0, 0), [0; 4]);
    note(usize::try_from(label).unwrap_or(0)).store(got.info.label(), SeqCst);
}

fn replies_in_any_order(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, first, second) = (t.endpoint()?, t.reply()?, t.reply()?);
    let caller: Entry = call_with_label;
    t.spawn(Plan::new(caller, endpoint | 10 << 16).priority(150))?;
    t.spawn(Plan::new(caller, endpoint | 11 << 16).priority(100))?;
    equal("the first", t.ipc.recv(endpoint, first).info.label(), 10)?;
    equal("the second", t.ipc.recv(endpoint, second).info.label(), 11)?;
    t.ipc.send(second, MessageInfo::new(0x22, 0, 0), [0; 4]);
    t.ipc.send(first, MessageInfo::new(0x11, 0, 0), [0; 4]);
    t.let_others_run()?;
    equal("the first's answer", noted(10), 0x11)?;
    equal("the second's answer", noted(11), 0x22)
}

fn delete_reply(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    let thread = t.spawn(Plan::new(call_once, endpoint))?;
    let _ = t.ipc.recv(endpoint, reply);
    t.delete(reply)?;
    t.let_others_run()?;
    equal("the callers that went on", noted(3), 0)?;
    invoke::tcb_resume(&t.ipc, thread.tcb)?;
    let reply = t.reply()?;
    let _ = t.ipc.recv(endpoint, reply);
    t.ipc.send(reply, MessageInfo::new(8, 0, 0), [0; 4]);
    t.let_others_run()?;
    equal("the answer to the repeated call", noted(0), 8)
}

fn suspend_caller(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    let thread = t.spawn(Plan::new(call_once, endpoint))?;
    let _ = t.ipc.recv(endpoint, reply);
    invoke::tcb_suspend(&t.ipc, thread.tcb)?;
    t.ipc.send(reply, MessageInfo::new(1, 0, 0), [0; 4]);
    t.let_others_run()?;
    equal("the callers that went on", noted(3), 0)?;
    t.spawn(Plan::new(call_once, endpoint))?;
    let _ = t.ipc.recv(endpoint, reply);
    t.ipc.send(reply, MessageInfo::new(2, 0, 0), [0; 4]);
    t.let_others_run()?;
    equal("the second caller's answer", noted(0), 2)
}
