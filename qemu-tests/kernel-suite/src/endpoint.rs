//! Messages: calls, order, rights, badges, lengths.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::{Ipc, invoke};
use sel4_sys::error::Error::InvalidCapability;
use sel4_sys::fault::{CAP_FAULT, cap_fault_word, lookup_failure};
use sel4_sys::{CapRights, MessageInfo, invocation as label, slot};
use test_support::resources::path;
use test_support::threads::{clear_notes, note, noted};
use test_support::{Outcome, Plan, Test, Tester, equal, expect};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "ipc-call-0001",
        rule: "a call brings label, length and words to the server and the answer back",
        run: call,
    },
    Test {
        id: "ipc-call-0002",
        rule: "messages of every length from 0 to 120 words arrive whole",
        run: every_length,
    },
    Test {
        id: "ipc-call-0003",
        rule: "a stated length above 120 is read as 120",
        run: excess_length,
    },
    Test {
        id: "ipc-call-0004",
        rule: "calls work between address spaces",
        run: call_across_spaces,
    },
    Test {
        id: "ipc-send-0001",
        rule: "senders wait and are served in the order in which they came",
        run: senders_in_order,
    },
    Test {
        id: "ipc-send-0002",
        rule: "NBSend is dropped when nobody receives",
        run: nb_send,
    },
    Test {
        id: "ipc-receive-0001",
        rule: "NBRecv and NBWait return at once when nobody sends",
        run: nb_receive,
    },
    Test {
        id: "ipc-receive-0002",
        rule: "Recv without a reply object is a CapFault of the receiver",
        run: receive_without_reply,
    },
    Test {
        id: "ipc-badge-0001",
        rule: "the receiver gets the badge of the sender's capability",
        run: badges,
    },
    Test {
        id: "ipc-rights-0001",
        rule: "Send without the write right sends nothing; as a Call it is InvalidCapability",
        run: no_send_right,
    },
    Test {
        id: "ipc-rights-0002",
        rule: "Recv without the read right is a CapFault of the receiver",
        run: no_receive_right,
    },
    Test {
        id: "ipc-rights-0003",
        rule: "a caller without grant and grantReply gets no answer",
        run: call_without_grant,
    },
    Test {
        id: "ipc-empty-0001",
        rule: "a Call on an empty slot is InvalidCapability, a Send does nothing",
        run: empty_slot,
    },
    Test {
        id: "ipc-cap-fault-0001",
        rule: "a Send to a capability pointer that does not resolve is a CapFault with its description",
        run: cap_fault_on_send,
    },
    Test {
        id: "ipc-delete-0001",
        rule: "deleting an endpoint's last capability lets its sender and receiver start again",
        run: delete_under_waiters,
    },
    Test {
        id: "ipc-cancel-0001",
        rule: "CancelBadgedSends takes away senders with that badge and no others",
        run: cancel_badged,
    },
    Test {
        id: "ipc-buffer-0001",
        rule: "a thread without IPC buffer sends and receives the first four words",
        run: without_buffer,
    },
];

/// Calls and keeps label, length and first words of the answer in the notes.
pub(crate) fn call_once(ipc: Ipc, endpoint: u64) {
    let got = ipc.call(endpoint, MessageInfo::new(0x77, 0, 2), [11, 22, 0, 0]);
    note(0).store(got.info.label(), SeqCst);
    note(1).store(got.info.length(), SeqCst);
    note(2).store(got.message[0], SeqCst);
    note(3).fetch_add(1, SeqCst);
}

fn call(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    t.spawn(Plan::new(call_once, endpoint))?;
    let got = t.ipc.recv(endpoint, reply);
    equal("the label", got.info.label(), 0x77)?;
    equal("the length", got.info.length(), 2)?;
    equal("the first word", got.message[0], 11)?;
    equal("the second word", got.message[1], 22)?;
    equal("the badge", got.badge, 0)?;
    t.ipc
        .send(reply, MessageInfo::new(0x99, 0, 1), [44, 0, 0, 0]);
    t.let_others_run()?;
    equal("the answer's label", noted(0), 0x99)?;
    equal("the answer's length", noted(1), 1)?;
    equal("the answer's word", noted(2), 44)
}

fn call_across_spaces(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    let space = t.space_with_image()?;
    t.spawn(Plan::new(call_once, endpoint).in_space(space))?;
    let got = t.ipc.recv(endpoint, reply);
    equal("the first word", got.message[0], 11)?;
    t.ipc
        .send(reply, MessageInfo::new(0x99, 0, 1), [44, 0, 0, 0]);
    t.let_others_run()?;
    equal("the answer's label", noted(0), 0x99)?;
    equal("the answer's word", noted(2), 44)
}

/// Answers each call with the words it brought, each plus one; argument: endpoint and reply object.
fn echo(ipc: Ipc, argument: u64) {
    let (endpoint, reply) = (argument & 0xffff, argument >> 16);
    let mut got = ipc.recv(endpoint, reply);
    loop {
        let length = got.info.length().min(120);
        for index in 4..usize::try_from(length).unwrap_or(0) {
            ipc.set_word(index, ipc.word(index) + 1);
        }
        let words = got.message.map(|word| word.wrapping_add(1));
        let info = MessageInfo::new(got.info.label(), 0, got.info.length());
        got = ipc.reply_recv(endpoint, info, words, reply);
    }
}

fn every_length(t: &mut Tester) -> Outcome {
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    t.spawn(Plan::new(echo, endpoint | reply << 16))?;
    t.let_others_run()?;
    for length in 0..=120 {
        for index in 4..120 {
            t.ipc.set_word(index, 1000 + index as u64);
        }
        let info = MessageInfo::new(length, 0, length);
        let got = t.ipc.call(endpoint, info, [1000, 1001, 1002, 1003]);
        equal("the length", got.info.length(), length)?;
        equal("the label", got.info.label(), length)?;
        for index in 0..length {
            let word = t.ipc.word(usize::try_from(index).unwrap_or(0));
            equal("a word", word, 1001 + index)?;
        }
    }
    Ok(())
}

fn excess_length(t: &mut Tester) -> Outcome {
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    t.spawn(Plan::new(echo, endpoint | reply << 16))?;
    t.let_others_run()?;
    for stated in [121, 127] {
        t.ipc.set_word(119, 7);
        let info = MessageInfo::new(0, 0, stated);
        let got = t.ipc.call(endpoint, info, [0; 4]);
        equal("the length", got.info.length(), 120)?;
        equal("the last word", t.ipc.word(119), 8)?;
    }
    Ok(())
}

fn send_argument(ipc: Ipc, argument: u64) {
    ipc.send(
        argument & 0xffff,
        MessageInfo::new(argument >> 16, 0, 0),
        [0; 4],
    );
    note(0).fetch_add(1, SeqCst);
}

fn senders_in_order(t: &mut Tester) -> Outcome {
    clear_notes();
    let endpoint = t.endpoint()?;
    for (label, priority) in [(1, 100), (2, 90), (3, 80), (4, 70)] {
        t.spawn(Plan::new(send_argument, endpoint | label << 16).priority(priority))?;
    }
    t.let_others_run()?;
    for label in 1..5 {
        let got = t.ipc.nb_wait(endpoint);
        equal("the label", got.info.label(), label)?;
    }
    t.let_others_run()?;
    equal("the senders that went on", noted(0), 4)
}

fn nb_send(t: &mut Tester) -> Outcome {
    let endpoint = t.endpoint()?;
    t.ipc.nb_send(endpoint, MessageInfo::new(5, 0, 0), [0; 4]);
    let got = t.ipc.nb_wait(endpoint);
    equal("what waits", got.info.label(), 0)
}

fn nb_receive(t: &mut Tester) -> Outcome {
    let (endpoint, reply, notification) = (t.endpoint()?, t.reply()?, t.notification()?);
    equal("the badge", t.ipc.nb_recv(endpoint, reply).badge, 0)?;
    equal("the badge", t.ipc.nb_wait(endpoint).badge, 0)?;
    equal("the badge", t.ipc.nb_wait(notification).badge, 0)
}

fn receive_without_reply_object(ipc: Ipc, endpoint: u64) {
    let _ = ipc.recv(endpoint, slot::NULL);
}

fn receive_without_reply(t: &mut Tester) -> Outcome {
    let endpoint = t.endpoint()?;
    let fault = t.fault_of(receive_without_reply_object, endpoint)?;
    equal("the label", fault.label, CAP_FAULT)
}

fn badges(t: &mut Tester) -> Outcome {
    let endpoint = t.endpoint()?;
    for badge in [1, 0xffff, 1 << 63, u64::MAX] {
        let badged = t.mint(endpoint, CapRights::ALL, badge)?;
        let last = t.next_thread();
        t.spawn(Plan::new(send_argument, badged))?;
        t.let_others_run()?;
        equal("the badge", t.ipc.nb_wait(endpoint).badge, badge)?;
        t.let_others_run()?;
        t.reuse_threads_from(last);
    }
    Ok(())
}

fn no_send_right(t: &mut Tester) -> Outcome {
    let endpoint = t.endpoint()?;
    let receive_only = t.copy(endpoint, CapRights::READ)?;
    t.ipc.send(receive_only, MessageInfo::new(5, 0, 0), [0; 4]);
    let got = t.ipc.call(receive_only, MessageInfo::new(5, 0, 0), [0; 4]);
    equal(
        "the call's error",
        got.info.label(),
        InvalidCapability as u64,
    )?;
    equal("what waits", t.ipc.nb_wait(endpoint).info.label(), 0)
}

fn wait_on(ipc: Ipc, endpoint: u64) {
    let _ = ipc.wait(endpoint);
}

fn no_receive_right(t: &mut Tester) -> Outcome {
    let endpoint = t.endpoint()?;
    let send_only = t.copy(endpoint, CapRights::WRITE)?;
    let fault = t.fault_of(wait_on, send_only)?;
    equal("the label", fault.label, CAP_FAULT)?;
    equal(
        "the pointer",
        fault.words[cap_fault_word::ADDRESS],
        send_only,
    )?;
    equal(
        "the phase",
        fault.words[cap_fault_word::IN_RECEIVE_PHASE],
        1,
    )
}

fn call_without_grant(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    let bare = t.copy(endpoint, CapRights::WRITE)?;
    t.spawn(Plan::new(call_once, bare))?;
    let got = t.ipc.recv(endpoint, reply);
    equal("the label", got.info.label(), 0x77)?;
    t.ipc.send(reply, MessageInfo::new(1, 0, 0), [0; 4]);
    t.let_others_run()?;
    equal("the callers that went on", noted(3), 0)
}

fn empty_slot(t: &mut Tester) -> Outcome {
    let empty = t.slot();
    let got = t.ipc.call(empty, MessageInfo::new(5, 0, 0), [0; 4]);
    equal("the error", got.info.label(), InvalidCapability as u64)?;
    t.ipc.send(empty, MessageInfo::new(5, 0, 0), [0; 4]);
    t.ipc.nb_send(empty, MessageInfo::new(5, 0, 0), [0; 4]);
    Ok(())
}

fn cap_fault_on_send(t: &mut Tester) -> Outcome {
    let outside = 1 << 20;
    let fault = t.fault_of(send_to, outside)?;
    equal("the label", fault.label, CAP_FAULT)?;
    equal("the length", fault.length, 7)?;
    equal("the pointer", fault.words[cap_fault_word::ADDRESS], outside)?;
    equal(
        "the phase",
        fault.words[cap_fault_word::IN_RECEIVE_PHASE],
        0,
    )?;
    equal(
        "the failure",
        fault.words[cap_fault_word::LOOKUP_FAILURE],
        lookup_failure::GUARD_MISMATCH,
    )?;
    equal("the bits left", fault.words[cap_fault_word::BITS_LEFT], 64)?;
    equal(
        "the guard",
        fault.words[cap_fault_word::BITS_OR_GUARD_FOUND],
        0,
    )?;
    equal(
        "the guard's bits",
        fault.words[cap_fault_word::GUARD_BITS_FOUND],
        51,
    )
}

fn send_to(ipc: Ipc, pointer: u64) {
    ipc.send(pointer, MessageInfo::new(5, 0, 0), [0; 4]);
}

fn send_and_note(ipc: Ipc, endpoint: u64) {
    let got = ipc.call(endpoint, MessageInfo::new(0, 0, 0), [0; 4]);
    note(0).store(got.info.label(), SeqCst);
}

fn delete_under_waiters(t: &mut Tester) -> Outcome {
    clear_notes();
    let endpoint = t.endpoint()?;
    t.spawn(Plan::new(send_and_note, endpoint))?;
    t.let_others_run()?;
    t.delete(endpoint)?;
    t.let_others_run()?;
    // The caller starts again and finds an empty slot.
    equal("the caller's error", noted(0), InvalidCapability as u64)?;
    let endpoint = t.endpoint()?;
    let watched = t.watch(Plan::new(wait_on, endpoint))?;
    t.let_others_run()?;
    t.delete(endpoint)?;
    let fault = expect(t.next_fault(&watched)?, "fault")?;
    equal("the receiver's fault", fault.label, CAP_FAULT)
}

fn cancel_badged(t: &mut Tester) -> Outcome {
    clear_notes();
    let endpoint = t.endpoint()?;
    let (one, two) = (
        t.mint(endpoint, CapRights::ALL, 1)?,
        t.mint(endpoint, CapRights::ALL, 2)?,
    );
    for sender in [one, two, one, two] {
        t.spawn(Plan::new(send_and_note, sender))?;
    }
    t.let_others_run()?;
    // Without the capability the senders cannot start again.
    let aside = t.slot();
    invoke::cnode_move(&t.ipc, path(aside), path(one))?;
    invoke::cnode_cancel_badged_sends(&t.ipc, path(aside))?;
    t.let_others_run()?;
    equal("the error of a cancelled one", noted(0), 2)?;
    equal("the first badge left", t.ipc.nb_wait(endpoint).badge, 2)?;
    equal("the second badge left", t.ipc.nb_wait(endpoint).badge, 2)?;
    equal("a third", t.ipc.nb_wait(endpoint).badge, 0)
}

fn without_buffer(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    let thread = t.prepare(Plan::new(call_once, endpoint))?;
    t.ipc
        .invoke(thread.tcb, label::TCB_SET_IPC_BUFFER, &[0], &[slot::NULL])?;
    invoke::tcb_write_registers(&t.ipc, thread.tcb, invoke::Resume::Yes, &thread.context)?;
    let got = t.ipc.recv(endpoint, reply);
    equal("the second word", got.message[1], 22)?;
    for index in 4..120 {
        t.ipc.set_word(index, 9);
    }
    let answer = MessageInfo::new(0x99, 0, 120);
    t.ipc.send(reply, answer, [44, 0, 0, 0]);
    t.let_others_run()?;
    equal("the answer's label", noted(0), 0x99)?;
    equal("the answer's length", noted(1), 4)?;
    equal("the answer's word", noted(2), 44)
}
