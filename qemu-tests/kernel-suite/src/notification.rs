//! Notifications: signals, waiting, binding.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::{Ipc, invoke};
use sel4_sys::fault::CAP_FAULT;
use sel4_sys::{CapRights, MessageInfo};
use test_support::threads::{clear_notes, note, noted};
use test_support::{Outcome, Plan, Test, Tester, equal, expect};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "notification-signal-0001",
        rule: "a signal's badge is read once, by Wait or NBWait",
        run: signal_and_wait,
    },
    Test {
        id: "notification-signal-0002",
        rule: "badges of signals that nobody waited for are joined by OR",
        run: badges_join,
    },
    Test {
        id: "notification-signal-0003",
        rule: "a signal wakes one waiter, the first",
        run: wakes_one,
    },
    Test {
        id: "notification-signal-0004",
        rule: "a signal to a waiter of higher priority switches at once",
        run: wakes_at_once,
    },
    Test {
        id: "notification-rights-0001",
        rule: "signalling without the write right does nothing, waiting without the read right faults",
        run: rights,
    },
    Test {
        id: "notification-bind-0001",
        rule: "a signal to the bound notification ends a Recv on an endpoint",
        run: bound_receive,
    },
    Test {
        id: "notification-bind-0002",
        rule: "a pending signal of the bound notification comes before waiting for messages",
        run: bound_pending,
    },
    Test {
        id: "notification-bind-0003",
        rule: "messages still arrive at a thread with a bound notification",
        run: bound_and_messages,
    },
    Test {
        id: "notification-delete-0001",
        rule: "deleting a notification lets its waiter start again",
        run: delete_under_waiter,
    },
];

fn signal_and_wait(t: &mut Tester) -> Outcome {
    let notification = t.notification()?;
    let badged = t.mint(notification, CapRights::ALL, 0x30)?;
    t.ipc.signal(badged);
    equal("the word waited for", t.ipc.wait(notification).badge, 0x30)?;
    equal("the word afterwards", t.ipc.nb_wait(notification).badge, 0)?;
    t.ipc.signal(badged);
    equal("the word polled", t.ipc.nb_wait(notification).badge, 0x30)
}

fn badges_join(t: &mut Tester) -> Outcome {
    let notification = t.notification()?;
    let mut sum = 0;
    for badge in [1, 8, 8, 1 << 40, 1 << 63] {
        let badged = t.mint(notification, CapRights::ALL, badge)?;
        t.ipc.signal(badged);
        sum |= badge;
    }
    equal("the word", t.ipc.nb_wait(notification).badge, sum)
}

fn wait_and_note(ipc: Ipc, argument: u64) {
    let (notification, index) = (argument & 0xffff, argument >> 16);
    let got = ipc.wait(notification);
    note(usize::try_from(index).unwrap_or(0)).store(got.badge, SeqCst);
}

fn wakes_one(t: &mut Tester) -> Outcome {
    clear_notes();
    let notification = t.notification()?;
    let badged = t.mint(notification, CapRights::ALL, 5)?;
    t.spawn(Plan::new(wait_and_note, notification | 1 << 16).priority(100))?;
    t.spawn(Plan::new(wait_and_note, notification | 2 << 16).priority(90))?;
    t.let_others_run()?;
    t.ipc.signal(badged);
    t.let_others_run()?;
    equal("the first", noted(1), 5)?;
    equal("the second", noted(2), 0)?;
    t.ipc.signal(badged);
    t.let_others_run()?;
    equal("the second after another signal", noted(2), 5)
}

fn wakes_at_once(t: &mut Tester) -> Outcome {
    clear_notes();
    let notification = t.notification()?;
    let badged = t.mint(notification, CapRights::ALL, 5)?;
    t.spawn(Plan::new(wait_and_note, notification | 1 << 16).priority(100))?;
    t.set_own_priority(50)?;
    equal("the note before", noted(1), 0)?;
    t.ipc.signal(badged);
    equal("the note behind the signal", noted(1), 5)
}

fn wait_on(ipc: Ipc, notification: u64) {
    let _ = ipc.wait(notification);
}

fn rights(t: &mut Tester) -> Outcome {
    let notification = t.notification()?;
    let wait_only = t.mint(notification, CapRights::READ, 7)?;
    t.ipc.signal(wait_only);
    equal("the word", t.ipc.nb_wait(notification).badge, 0)?;
    let signal_only = t.copy(notification, CapRights::WRITE)?;
    let fault = t.fault_of(wait_on, signal_only)?;
    equal("the label", fault.label, CAP_FAULT)
}

fn bound_receive(t: &mut Tester) -> Outcome {
    clear_notes();
    let (notification, endpoint) = (t.notification()?, t.endpoint()?);
    let badged = t.mint(notification, CapRights::ALL, 0x90)?;
    let thread = t.prepare(Plan::new(wait_and_note, endpoint | 1 << 16))?;
    invoke::tcb_bind_notification(&t.ipc, thread.tcb, notification)?;
    invoke::tcb_write_registers(&t.ipc, thread.tcb, invoke::Resume::Yes, &thread.context)?;
    t.let_others_run()?;
    t.ipc.signal(badged);
    t.let_others_run()?;
    equal("the word", noted(1), 0x90)
}

fn bound_pending(t: &mut Tester) -> Outcome {
    clear_notes();
    let (notification, endpoint) = (t.notification()?, t.endpoint()?);
    let badged = t.mint(notification, CapRights::ALL, 0x90)?;
    t.ipc.signal(badged);
    let thread = t.prepare(Plan::new(wait_and_note, endpoint | 1 << 16))?;
    invoke::tcb_bind_notification(&t.ipc, thread.tcb, notification)?;
    invoke::tcb_write_registers(&t.ipc, thread.tcb, invoke::Resume::Yes, &thread.context)?;
    t.let_others_run()?;
    equal("the word", noted(1), 0x90)
}

fn receive_twice(ipc: Ipc, argument: u64) {
    let (endpoint, reply) = (argument & 0xffff, argument >> 16);
    for index in 1..3 {
        let got = ipc.recv(endpoint, reply);
        note(index).store(got.badge, SeqCst);
        note(index + 10).store(got.info.label(), SeqCst);
    }
}

fn bound_and_messages(t: &mut Tester) -> Outcome {
    clear_notes();
    let (notification, endpoint, reply) = (t.notification()?, t.endpoint()?, t.reply()?);
    let signal = t.mint(notification, CapRights::ALL, 0x90)?;
    let send = t.mint(endpoint, CapRights::ALL, 0x55)?;
    let thread = t.prepare(Plan::new(receive_twice, endpoint | reply << 16))?;
    invoke::tcb_bind_notification(&t.ipc, thread.tcb, notification)?;
    invoke::tcb_write_registers(&t.ipc, thread.tcb, invoke::Resume::Yes, &thread.context)?;
    t.let_others_run()?;
    t.ipc.send(send, MessageInfo::new(3, 0, 0), [0; 4]);
    t.ipc.signal(signal);
    t.let_others_run()?;
    equal("the message's badge", noted(1), 0x55)?;
    equal("the message's label", noted(11), 3)?;
    equal("the signal's word", noted(2), 0x90)
}

fn delete_under_waiter(t: &mut Tester) -> Outcome {
    let notification = t.notification()?;
    let watched = t.watch(Plan::new(wait_on, notification))?;
    t.let_others_run()?;
    t.delete(notification)?;
    let fault = expect(t.next_fault(&watched)?, "fault")?;
    equal("the waiter's fault", fault.label, CAP_FAULT)
}
