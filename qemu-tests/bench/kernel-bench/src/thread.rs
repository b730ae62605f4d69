//! Threads: sending, yielding, faults and interrupts.

use core::sync::atomic::Ordering::Relaxed;

use kernel_calls::{
    Ipc,
    invoke::{self, IoApicInput},
};
use sel4_sys::{MessageInfo, invocation, slot};
use test_support::cpu::{self, ticks};
use test_support::resources::path;
use test_support::threads::note;
use test_support::{Failure, Outcome, Plan, Test, Tester};

use crate::stopwatch::{Arrival, leaves, since_left};
use crate::{ROUNDS, least, report, report_call};

pub(crate) const MEASUREMENTS: &[Test] = &[
    Test {
        id: "send",
        rule: "Send without words to a waiting thread of higher priority in another address space",
        run: send,
    },
    Test {
        id: "fault",
        rule: "a fault (an undefined instruction) to its handler in another address space, which works on the thread's time, and back",
        run: |t| {
            let names = ["fault-to-handler", "handler-to-faulter", "fault-round-trip"];
            fault(t, HandlersTime::Lent, names)
        },
    },
    Test {
        id: "fault-to-active",
        rule: "the same with a handler that has time of its own",
        run: |t| {
            let names = [
                "fault-to-active-handler",
                "active-handler-to-faulter",
                "active-fault-round-trip",
            ];
            fault(t, HandlersTime::Own, names)
        },
    },
    Test {
        id: "interrupt",
        rule: "an interrupt to the thread that waits for it",
        run: interrupt,
    },
];

const THERE: Arrival = Arrival(1);
const BACK: Arrival = Arrival(2);
const ROUND: Arrival = Arrival(3);
/// The note that holds when a fault happened.
const FAULTED: usize = 4;
/// The note that holds where it happened.
const PLACE: usize = 5;

fn receive(ipc: Ipc, capabilities: u64) {
    let (endpoint, reply) = (capabilities >> 32, capabilities & 0xffff_ffff);
    loop {
        let _ = ipc.recv(endpoint, reply);
        THERE.arrived();
    }
}

fn send(t: &mut Tester) -> Outcome {
    THERE.forget();
    let (endpoint, reply, space) = (t.endpoint()?, t.reply()?, t.space_with_image()?);
    let plan = Plan::new(receive, endpoint << 32 | reply).in_space(space);
    t.spawn(plan.priority(200))?;
    t.set_own_priority(100)?;
    for _ in 0..ROUNDS {
        leaves();
        t.ipc.send(endpoint, MessageInfo::new(0, 0, 0), [0; 4]);
    }
    report_call(t.ipc, "send", THERE.least());
    Ok(())
}

#[derive(PartialEq, Eq)]
enum HandlersTime {
    Lent,
    Own,
}

/// Executes undefined instructions, the handler stepping over each, and then waits for ever.
fn fault_often(ipc: Ipc, notification: u64) {
    for _ in 0..ROUNDS {
        note(FAULTED).store(ticks(), Relaxed);
        leaves();
        cpu::undefined_instruction(note(PLACE));
        BACK.arrived();
        let round = ticks() - note(FAULTED).load(Relaxed);
        note(ROUND.0).fetch_min(round, Relaxed);
    }
    let _ = ipc.wait(notification);
}

/// Handles faults for ever. The capabilities: endpoint and reply object in one word.
fn step_over(ipc: Ipc, capabilities: u64) {
    let (endpoint, reply) = (capabilities >> 32, capabilities & 0xffff_ffff);
    let mut fault = ipc.recv(endpoint, reply);
    loop {
        THERE.arrived();
        let [instruction, stack, flags, _] = fault.message;
        let words = [instruction + 2, stack, flags, 0];
        leaves();
        fault = ipc.reply_recv(endpoint, MessageInfo::new(0, 0, 3), words, reply);
    }
}

fn fault(t: &mut Tester, time: HandlersTime, names: [&str; 3]) -> Outcome {
    [THERE, BACK, ROUND].into_iter().for_each(Arrival::forget);
    let (endpoint, reply) = (t.endpoint()?, t.reply()?);
    let (notification, space) = (t.notification()?, t.space_with_image()?);
    t.set_own_priority(100)?;
    let handler = t.spawn(Plan::new(step_over, endpoint << 32 | reply))?;
    if time == HandlersTime::Lent {
        let unbind = invocation::SCHED_CONTEXT_UNBIND;
        t.ipc.invoke(handler.sched_context, unbind, &[], &[])?;
    }
    let plan = Plan::new(fault_often, notification).in_space(space);
    t.spawn(plan.faults_to(endpoint))?;
    let measured = [THERE, BACK, ROUND].map(Arrival::least);
    for (name, least) in names.into_iter().zip(measured) {
        report(name, least);
    }
    Ok(())
}

/// Looks at the clock for ever: what it saw last is when it was interrupted.
fn watch_the_clock(_: Ipc, _: u64) {
    loop {
        leaves();
    }
}

fn interrupt(t: &mut Tester) -> Outcome {
    const PIN: u64 = 2;
    const VECTOR: u64 = 20;
    let (ports, handler) = (t.slot(), t.slot());
    invoke::io_port_control_issue(&t.ipc, slot::IO_PORT_CONTROL, 0x40, 0x43, path(ports))?;
    let input = IoApicInput {
        io_apic: 0,
        pin: PIN,
        level: 0,
        polarity: 0,
        vector: VECTOR,
    };
    invoke::irq_control_get_io_apic(&t.ipc, slot::IRQ_CONTROL, input, path(handler))?;
    let notification = t.notification()?;
    invoke::irq_handler_set_notification(&t.ipc, handler, notification)?;
    t.spawn(Plan::new(watch_the_clock, 0).priority(100))?;
    let took = least(|| -> Result<u64, Failure> {
        invoke::irq_handler_ack(&t.ipc, handler)?;
        // One edge of the programmable interval timer after 100 microseconds.
        for (port, value) in [(0x43, 0x30), (0x40, 0x78), (0x40, 0x00)] {
            invoke::io_port_out8(&t.ipc, ports, port, value)?;
        }
        let _ = t.ipc.wait(notification);
        Ok(since_left())
    })?;
    report("interrupt-to-user", took);
    Ok(())
}
