//! Capabilities in messages.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::Ipc;
use sel4_sys::fault::{CAP_FAULT, cap_fault_word};
use sel4_sys::{CapRights, MessageInfo, slot};
use test_support::threads::{clear_notes, note, noted};
use test_support::{Outcome, Plan, Test, Tester, ensure, equal};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "ipc-transfer-0001",
        rule: "a capability sent with grant arrives in the receive slot",
        run: transfer,
    },
    Test {
        id: "ipc-transfer-0002",
        rule: "without the grant right no capability arrives",
        run: transfer_without_grant,
    },
    Test {
        id: "ipc-transfer-0003",
        rule: "a capability to the endpoint itself arrives as its badge",
        run: unwrapping,
    },
    Test {
        id: "ipc-transfer-0004",
        rule: "only one capability is put down; others are unwrapped or left out",
        run: transfer_several,
    },
    Test {
        id: "ipc-transfer-0005",
        rule: "a receive slot that is in use gets nothing, and the message still arrives",
        run: transfer_into_used,
    },
    Test {
        id: "ipc-transfer-0006",
        rule: "a capability that does not resolve at the sender is a CapFault of the sender",
        run: transfer_of_nothing,
    },
    Test {
        id: "ipc-transfer-0007",
        rule: "revoking the original deletes the copy that was received",
        run: transfer_and_revoke,
    },
    Test {
        id: "ipc-transfer-0008",
        rule: "a reply carries a capability to the caller",
        run: transfer_with_reply,
    },
];

/// Sends capabilities: the argument holds endpoint and up to three of them, 16 bits each.
fn send_capabilities(ipc: Ipc, argument: u64) {
    let mut count = 0;
    for index in 0..3 {
        let capability = (argument >> (16 * (index + 1))) & 0xffff;
        if capability != 0 {
            ipc.set_capability(count, capability);
            count += 1;
        }
    }
    let info = MessageInfo::new(3, count as u64, 1);
    ipc.send(argument & 0xffff, info, [55, 0, 0, 0]);
    note(0).fetch_add(1, SeqCst);
}

/// Lets a thread send `capabilities` through `via`; receives on `endpoint` into a fresh slot.
fn receive_capabilities(
    t: &mut Tester,
    endpoint: u64,
    via: u64,
    capabilities: [u64; 3],
) -> Result<(kernel_calls::Received, u64), test_support::Failure> {
    let to = t.slot();
    let [a, b, c] = capabilities;
    t.spawn(Plan::new(
        send_capabilities,
        via | a << 16 | b << 32 | c << 48,
    ))?;
    t.let_others_run()?;
    t.ipc.set_receive_slot(slot::CNODE, to, 64);
    let got = t.ipc.nb_wait(endpoint);
    equal("the label", got.info.label(), 3)?;
    equal("the word", got.message[0], 55)?;
    Ok((got, to))
}

fn transfer(t: &mut Tester) -> Outcome {
    let (endpoint, frame) = (t.endpoint()?, t.frame()?);
    let (got, to) = receive_capabilities(t, endpoint, endpoint, [frame, 0, 0])?;
    equal("the number of capabilities", got.info.extra_caps(), 1)?;
    equal("the unwrapped ones", got.info.caps_unwrapped(), 0)?;
    equal("the frame's address", t.physical(to)?, t.physical(frame)?)
}

fn transfer_without_grant(t: &mut Tester) -> Outcome {
    let (endpoint, frame) = (t.endpoint()?, t.frame()?);
    let bare = t.copy(endpoint, CapRights::READ_WRITE)?;
    let (got, to) = receive_capabilities(t, endpoint, bare, [frame, 0, 0])?;
    equal("the number of capabilities", got.info.extra_caps(), 0)?;
    ensure(t.is_empty(to)?, "a capability arrived")
}

fn unwrapping(t: &mut Tester) -> Outcome {
    let endpoint = t.endpoint()?;
    let badged = t.mint(endpoint, CapRights::ALL, 0xbad6e)?;
    let (got, to) = receive_capabilities(t, endpoint, endpoint, [badged, 0, 0])?;
    equal("the number of capabilities", got.info.extra_caps(), 1)?;
    equal("the unwrapped ones", got.info.caps_unwrapped(), 1)?;
    equal("the badge", t.ipc.unwrapped_badge(0), 0xbad6e)?;
    ensure(t.is_empty(to)?, "a capability arrived")
}

fn transfer_several(t: &mut Tester) -> Outcome {
    let (endpoint, one, other) = (t.endpoint()?, t.frame()?, t.frame()?);
    let badged = t.mint(endpoint, CapRights::ALL, 0x66)?;
    let (got, to) = receive_capabilities(t, endpoint, endpoint, [badged, one, other])?;
    equal("the number of capabilities", got.info.extra_caps(), 2)?;
    equal("the unwrapped ones", got.info.caps_unwrapped(), 1)?;
    equal("the badge", t.ipc.unwrapped_badge(0), 0x66)?;
    equal("the frame's address", t.physical(to)?, t.physical(one)?)
}

fn transfer_into_used(t: &mut Tester) -> Outcome {
    let (endpoint, frame, used) = (t.endpoint()?, t.frame()?, t.frame()?);
    let before = t.physical(used)?;
    t.spawn(Plan::new(send_capabilities, endpoint | frame << 16))?;
    t.let_others_run()?;
    t.ipc.set_receive_slot(slot::CNODE, used, 64);
    let got = t.ipc.nb_wait(endpoint);
    equal("the label", got.info.label(), 3)?;
    equal("the number of capabilities", got.info.extra_caps(), 0)?;
    equal("the used slot's frame", t.physical(used)?, before)
}

fn transfer_of_nothing(t: &mut Tester) -> Outcome {
    let endpoint = t.endpoint()?;
    // 0xf000 is behind the first CNode's slots.
    let fault = t.fault_of(send_capabilities, endpoint | 0xf000 << 16)?;
    equal("the label", fault.label, CAP_FAULT)?;
    equal("the pointer", fault.words[cap_fault_word::ADDRESS], 0xf000)?;
    equal("what waits", t.ipc.nb_wait(endpoint).info.label(), 0)
}

fn transfer_and_revoke(t: &mut Tester) -> Outcome {
    let (endpoint, original) = (t.endpoint()?, t.endpoint()?);
    let badged = t.mint(original, CapRights::ALL, 1)?;
    let (_, to) = receive_capabilities(t, endpoint, endpoint, [badged, 0, 0])?;
    ensure(!t.is_empty(to)?, "nothing arrived")?;
    t.revoke(original)?;
    ensure(t.is_empty(to)?, "the copy survives")
}

fn call_for_capability(ipc: Ipc, argument: u64) {
    ipc.set_receive_slot(slot::CNODE, argument >> 16, 64);
    let got = ipc.call(argument & 0xffff, MessageInfo::new(1, 0, 0), [0; 4]);
    note(0).store(got.info.extra_caps(), SeqCst);
}

fn transfer_with_reply(t: &mut Tester) -> Outcome {
    clear_notes();
    let (endpoint, reply, frame) = (t.endpoint()?, t.reply()?, t.frame()?);
    let to = t.slot();
    t.spawn(Plan::new(call_for_capability, endpoint | to << 16))?;
    let _ = t.ipc.recv(endpoint, reply);
    t.ipc.set_capability(0, frame);
    t.ipc.send(reply, MessageInfo::new(0, 1, 0), [0; 4]);
    t.let_others_run()?;
    equal("the number of capabilities", noted(0), 1)?;
    equal("the frame's address", t.physical(to)?, t.physical(frame)?)
}
