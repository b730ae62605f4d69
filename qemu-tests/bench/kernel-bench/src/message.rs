//! Messages to a passive server and back.

use kernel_calls::Ipc;
use sel4_sys::{MessageInfo, invocation};
use test_support::floating_point::use_sse;
use test_support::{Outcome, Plan, Test, Tester};

use crate::stopwatch::{Arrival, leaves};
use crate::{ROUNDS, report_call};

pub(crate) const MEASUREMENTS: &[Test] = &[
    Test {
        id: "call",
        rule: "Call and ReplyRecv without words between two address spaces, one way",
        run: |t| call(t, Space::Other, serve::<0>, ["call", "reply-recv"]),
    },
    Test {
        id: "call-same-space",
        rule: "the same within one address space",
        run: |t| {
            let names = ["call-same-space", "reply-recv-same-space"];
            call(t, Space::Same, serve::<0>, names)
        },
    },
    Test {
        id: "call-10-words",
        rule: "Call and ReplyRecv with 10 words",
        run: |t| {
            let names = ["call-10-words", "reply-recv-10-words"];
            call(t, Space::Other, serve::<10>, names)
        },
    },
    Test {
        id: "call-fpu",
        rule: "Call and ReplyRecv between threads that use the FPU",
        run: |t| {
            use_sse();
            call(
                t,
                Space::Other,
                serve_with_fpu,
                ["call-fpu", "reply-recv-fpu"],
            )
        },
    },
];

const CALL: Arrival = Arrival(1);
const REPLY: Arrival = Arrival(2);

#[derive(PartialEq, Eq)]
enum Space {
    Same,
    Other,
}

/// Answers for ever with as many words. The capabilities: endpoint and reply object in one word.
fn serve<const WORDS: u64>(ipc: Ipc, capabilities: u64) {
    let (endpoint, reply) = (capabilities >> 32, capabilities & 0xffff_ffff);
    let _ = ipc.recv(endpoint, reply);
    loop {
        CALL.arrived();
        leaves();
        let _ = ipc.reply_recv(endpoint, MessageInfo::new(0, 0, WORDS), [0; 4], reply);
    }
}

fn serve_with_fpu(ipc: Ipc, capabilities: u64) {
    use_sse();
    serve::<0>(ipc, capabilities);
}

fn call(t: &mut Tester, space: Space, server: fn(Ipc, u64), names: [&str; 2]) -> Outcome {
    CALL.forget();
    REPLY.forget();
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    let mut plan = Plan::new(server, endpoint << 32 | reply).priority(200);
    if space == Space::Other {
        plan = plan.in_space(t.space_with_image()?);
    }
    // A passive server: it gets time with each call.
    let server = t.spawn(plan.budget(10_000, 10_000))?;
    t.set_own_priority(100)?;
    let unbind = invocation::SCHED_CONTEXT_UNBIND;
    t.ipc.invoke(server.sched_context, unbind, &[], &[])?;
    let words = if names[0].contains("10-words") { 10 } else { 0 };
    for _ in 0..ROUNDS {
        leaves();
        let _ = t.ipc.call(endpoint, MessageInfo::new(0, 0, words), [0; 4]);
        REPLY.arrived();
    }
    report_call(t.ipc, names[0], CALL.least());
    report_call(t.ipc, names[1], REPLY.least());
    Ok(())
}
