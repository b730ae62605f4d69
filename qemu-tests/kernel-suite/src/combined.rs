//! System calls of two halves, which send and then receive, and Wait, which receives without a reply object.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::{Ipc, Received, invoke};
use sel4_sys::{CapRights, MessageInfo, invocation as label};
use test_support::threads::{Entry, clear_notes, note, noted};
use test_support::{Outcome, Plan, Test, Tester, equal};

use crate::endpoint::call_once;

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "ipc-combined-0001",
        rule: "NBSendRecv sends to one endpoint and receives on another",
        run: nb_send_recv,
    },
    Test {
        id: "ipc-combined-0002",
        rule: "NBSendWait signals one notification and waits for another",
        run: nb_send_wait,
    },
    Test {
        id: "ipc-combined-0003",
        rule: "a first half that leads nowhere is dropped without a fault, and the second half goes on",
        run: first_half_leads_nowhere,
    },
    Test {
        id: "ipc-combined-0004",
        rule: "a first half invokes endpoints, notifications and reply objects and nothing else",
        run: first_half_to_a_thread,
    },
    Test {
        id: "ipc-combined-0005",
        rule: "NBSendRecv and NBSendWait lend a passive receiver the sender's time, which does not come back",
        run: first_half_lends_time,
    },
    Test {
        id: "ipc-combined-0006",
        rule: "ReplyRecv without a caller to answer receives all the same",
        run: reply_to_nobody,
    },
    Test {
        id: "ipc-wait-0001",
        rule: "Wait on an endpoint takes a message; a Call that is taken so is never answered",
        run: wait_takes_a_call,
    },
];

fn forward(ipc: Ipc, argument: u64) {
    let (from, to, reply) = (argument & 0xffff, (argument >> 16) & 0xffff, argument >> 32);
    let mut got = ipc.recv(from, reply);
    loop {
        got = ipc.nb_send_recv(to, got.info, got.message, from, reply);
    }
}

fn nb_send_recv(t: &mut Tester) -> Outcome {
    let (from, to, reply) = (t.endpoint()?, t.endpoint()?, t.reply()?);
    t.spawn(Plan::new(forward, from | to << 16 | reply << 32))?;
    t.let_others_run()?;
    let got = t
        .ipc
        .nb_send_wait(from, MessageInfo::new(6, 0, 1), [66, 0, 0, 0], to);
    equal("the label", got.info.label(), 6)?;
    equal("the word", got.message[0], 66)
}

/// Waits for one notification, then for ever passes on what comes; argument: from, to.
fn pass_on(ipc: Ipc, argument: u64) {
    let (from, to) = (argument & 0xffff, argument >> 16);
    let mut got = ipc.wait(from);
    loop {
        note(0).store(got.badge, SeqCst);
        got = ipc.nb_send_wait(to, MessageInfo::default(), [0; 4], from);
    }
}

fn nb_send_wait(t: &mut Tester) -> Outcome {
    clear_notes();
    let (from, to) = (t.notification()?, t.notification()?);
    let (signal, answer) = (
        t.mint(from, CapRights::WRITE, 0x10)?,
        t.mint(to, CapRights::WRITE, 0x20)?,
    );
    t.spawn(Plan::new(pass_on, from | answer << 16))?;
    t.let_others_run()?;
    for _ in 0..3 {
        equal("the signal before", t.ipc.nb_wait(to).badge, 0)?;
        t.ipc.signal(signal);
        t.let_others_run()?;
        equal("what the thread got", noted(0), 0x10)?;
        equal("what it passed on", t.ipc.nb_wait(to).badge, 0x20)?;
    }
    Ok(())
}

fn first_half_leads_nowhere(t: &mut Tester) -> Outcome {
    let (endpoint, reply, empty) = (t.endpoint()?, t.reply()?, t.slot());
    let send_only = t.copy(endpoint, CapRights::WRITE)?;
    let receive_only = t.copy(endpoint, CapRights::READ)?;
    let info = MessageInfo::new(5, 0, 0);
    // Behind the first CNode's slots, in an empty slot, to nobody who receives, without the right to send.
    for nowhere in [1 << 20, empty, endpoint, receive_only] {
        let last = t.next_thread();
        t.spawn(Plan::new(send_three_times, send_only))?;
        t.let_others_run()?;
        let got = t.ipc.nb_send_recv(nowhere, info, [0; 4], endpoint, reply);
        equal("what NBSendRecv receives", got.info.label(), 7)?;
        let got = t.ipc.nb_send_wait(nowhere, info, [0; 4], endpoint);
        equal("what NBSendWait receives", got.info.label(), 7)?;
        let got = t.ipc.wait(endpoint);
        equal("the last message", got.info.label(), 7)?;
        t.let_others_run()?;
        t.reuse_threads_from(last);
    }
    Ok(())
}

fn send_three_times(ipc: Ipc, endpoint: u64) {
    for _ in 0..3 {
        ipc.send(endpoint, MessageInfo::new(7, 0, 0), [0; 4]);
    }
}

fn first_half_to_a_thread(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    let victim = t.spawn(Plan::new(call_once, endpoint))?;
    t.let_others_run()?;
    // It waits for its call to be taken; suspended, it would wait no longer.
    let suspend = MessageInfo::new(label::TCB_SUSPEND, 0, 0);
    let signalled = t.notification()?;
    t.ipc.signal(signalled);
    let _ = t.ipc.nb_send_wait(victim.tcb, suspend, [0; 4], signalled);
    let got = t
        .ipc
        .nb_send_recv(victim.tcb, suspend, [0; 4], endpoint, reply);
    equal("the call's label", got.info.label(), 0x77)?;
    t.ipc.signal(signalled);
    let _ = t.ipc.reply_recv(signalled, suspend, [0; 4], victim.tcb);
    t.ipc.send(reply, MessageInfo::new(0x99, 0, 0), [0; 4]);
    t.let_others_run()?;
    equal("the answer's label", noted(0), 0x99)
}

/// Counts what it receives; argument: endpoint and reply object.
fn receive_and_count(ipc: Ipc, argument: u64) {
    loop {
        let got = ipc.recv(argument & 0xffff, argument >> 16);
        note(0).store(got.info.label(), SeqCst);
        note(1).fetch_add(1, SeqCst);
    }
}

/// Sends by NBSendRecv, then would count; argument: destination, endpoint of its own, reply object.
fn send_and_receive(ipc: Ipc, argument: u64) {
    let (to, from, reply) = (argument & 0xffff, (argument >> 16) & 0xffff, argument >> 32);
    let _ = ipc.nb_send_recv(to, MessageInfo::new(3, 0, 0), [0; 4], from, reply);
    note(2).fetch_add(1, SeqCst);
}

/// The same by NBSendWait; argument: destination and endpoint of its own.
fn send_and_wait(ipc: Ipc, argument: u64) {
    let (to, from) = (argument & 0xffff, argument >> 16);
    let _ = ipc.nb_send_wait(to, MessageInfo::new(4, 0, 0), [0; 4], from);
    note(2).fetch_add(1, SeqCst);
}

fn first_half_lends_time(t: &mut Tester) -> Outcome {
    let (to, from) = (t.endpoint()?, t.endpoint()?);
    let (reply, other) = (t.reply()?, t.reply()?);
    let by_receive: (Entry, u64, u64) = (send_and_receive, from << 16 | other << 32, 3);
    let by_wait: (Entry, u64, u64) = (send_and_wait, from << 16, 4);
    for (entry, argument, expected) in [by_receive, by_wait] {
        clear_notes();
        let last = t.next_thread();
        // It begins on time of its own, which is taken away once it waits.
        let server = t.spawn(Plan::new(receive_and_count, to | reply << 16))?;
        t.let_others_run()?;
        t.ipc
            .invoke(server.sched_context, label::SCHED_CONTEXT_UNBIND, &[], &[])?;
        t.spawn(Plan::new(entry, to | argument))?;
        t.let_others_run()?;
        equal("what the server got", noted(0), expected)?;
        equal("the messages it got", noted(1), 1)?;
        // The sender has no time left to take an answer.
        t.ipc.nb_send(from, MessageInfo::default(), [0; 4]);
        t.let_others_run()?;
        equal("the senders that went on", noted(2), 0)?;
        t.ipc.nb_send(to, MessageInfo::new(9, 0, 0), [0; 4]);
        t.let_others_run()?;
        equal("what the server got on lent time", noted(0), 9)?;
        invoke::tcb_suspend(&t.ipc, server.tcb)?;
        t.reuse_threads_from(last);
    }
    Ok(())
}

fn reply_to_nobody(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    t.spawn(Plan::new(call_once, endpoint))?;
    t.let_others_run()?;
    let got = t
        .ipc
        .reply_recv(endpoint, MessageInfo::new(1, 0, 0), [0; 4], reply);
    equal("the call's label", got.info.label(), 0x77)?;
    equal("the answers before", noted(3), 0)?;
    t.ipc.send(reply, MessageInfo::new(0x99, 0, 0), [0; 4]);
    t.let_others_run()?;
    equal("the answer's label", noted(0), 0x99)
}

fn wait_takes_a_call(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    let waits: [fn(&Ipc, u64) -> Received; 2] = [Ipc::wait, Ipc::nb_wait];
    for wait in waits {
        let caller = t.spawn(Plan::new(call_once, endpoint))?;
        t.let_others_run()?;
        let got = wait(&t.ipc, endpoint);
        equal("the call's label", got.info.label(), 0x77)?;
        equal("the call's word", got.message[0], 11)?;
        t.ipc.send(reply, MessageInfo::default(), [0; 4]);
        t.let_others_run()?;
        equal("the callers that went on", noted(3), 0)?;
        // Started again, it calls again, and can be answered.
        invoke::tcb_resume(&t.ipc, caller.tcb)?;
        t.let_others_run()?;
        let _ = t.ipc.recv(endpoint, reply);
        t.ipc.send(reply, MessageInfo::new(0x55, 0, 0), [0; 4]);
        t.let_others_run()?;
        equal("the answer's label", noted(0), 0x55)?;
        clear_notes();
    }
    Ok(())
}
