//! Signals, and threads that give way to each other.

use core::sync::atomic::Ordering::Relaxed;

use kernel_calls::{Ipc, invoke};
use test_support::cpu::ticks;
use test_support::threads::note;
use test_support::{Outcome, Plan, Test, Tester};

use crate::stopwatch::{Arrival, leaves};
use crate::{ROUNDS, report_call};

pub(crate) const MEASUREMENTS: &[Test] = &[
    Test {
        id: "signal",
        rule: "Signal to a waiting thread of higher and of lower priority",
        run: signal,
    },
    Test {
        id: "wait",
        rule: "Wait of a thread that hands the processor to one of lower priority",
        run: wait,
    },
    Test {
        id: "broadcast",
        rule: "four signals to waiting threads of higher priority that wait again at once, for each",
        run: broadcast,
    },
    Test {
        id: "producer-consumer",
        rule: "from a producer's signal to its consumer of equal priority, the producer waiting for room",
        run: producer_to_consumer,
    },
    Test {
        id: "yield",
        rule: "Yield to oneself, and to a thread of equal priority in the same and in another space",
        run: yield_to_equal,
    },
];

const ARRIVAL: Arrival = Arrival(1);

fn wait_for_signals(ipc: Ipc, notification: u64) {
    loop {
        let _ = ipc.wait(notification);
        ARRIVAL.arrived();
    }
}

fn signal(t: &mut Tester) -> Outcome {
    ARRIVAL.forget();
    let (notification, space) = (t.notification()?, t.space_with_image()?);
    let plan = Plan::new(wait_for_signals, notification).in_space(space);
    t.spawn(plan.priority(200))?;
    t.set_own_priority(100)?;
    for _ in 0..ROUNDS {
        leaves();
        t.ipc.signal(notification);
    }
    report_call(t.ipc, "signal-to-higher", ARRIVAL.least());
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
    report_call(t.ipc, "signal-to-lower", least);
    Ok(())
}

fn leave_and_wait(ipc: Ipc, notification: u64) {
    loop {
        leaves();
        let _ = ipc.wait(notification);
    }
}

fn wait(t: &mut Tester) -> Outcome {
    ARRIVAL.forget();
    let (notification, space) = (t.notification()?, t.space_with_image()?);
    let plan = Plan::new(leave_and_wait, notification).in_space(space);
    t.spawn(plan.priority(200))?;
    t.set_own_priority(100)?;
    for _ in 0..ROUNDS {
        t.ipc.signal(notification);
        ARRIVAL.arrived();
    }
    report_call(t.ipc, "wait-to-lower", ARRIVAL.least());
    Ok(())
}

fn wait_again(ipc: Ipc, notification: u64) {
    loop {
        let _ = ipc.wait(notification);
    }
}

fn broadcast(t: &mut Tester) -> Outcome {
    const WAITERS: u64 = 4;
    let notification = t.notification()?;
    for _ in 0..WAITERS {
        t.spawn(Plan::new(wait_again, notification).priority(200))?;
    }
    t.set_own_priority(100)?;
    let mut least = u64::MAX;
    for _ in 0..ROUNDS {
        let start = ticks();
        for _ in 0..WAITERS {
            t.ipc.signal(notification);
        }
        least = least.min((ticks() - start) / WAITERS);
    }
    report_call(t.ipc, "broadcast-each", least);
    Ok(())
}

/// Notes of the producer and the consumer: products that are there.
const PRODUCTS: usize = 3;

/// Takes products for ever. The notifications: what there is and what there is room for.
fn consume(ipc: Ipc, notifications: u64) {
    let (products, room) = (notifications >> 32, notifications & 0xffff_ffff);
    loop {
        while note(PRODUCTS).load(Relaxed) == 0 {
            let _ = ipc.wait(products);
        }
        ARRIVAL.arrived();
        note(PRODUCTS).fetch_sub(1, Relaxed);
        ipc.signal(room);
    }
}

fn producer_to_consumer(t: &mut Tester) -> Outcome {
    ARRIVAL.forget();
    note(PRODUCTS).store(0, Relaxed);
    let (products, room) = (t.notification()?, t.notification()?);
    t.spawn(Plan::new(consume, products << 32 | room).priority(100))?;
    t.set_own_priority(100)?;
    for _ in 0..ROUNDS {
        while note(PRODUCTS).load(Relaxed) == 1 {
            let _ = t.ipc.wait(room);
        }
        note(PRODUCTS).fetch_add(1, Relaxed);
        leaves();
        t.ipc.signal(products);
    }
    report_call(t.ipc, "producer-to-consumer", ARRIVAL.least());
    Ok(())
}

fn yield_for_ever(_: Ipc, _: u64) {
    loop {
        ARRIVAL.arrived();
        kernel_calls::yield_now();
    }
}

fn yield_to_equal(t: &mut Tester) -> Outcome {
    let mut least = u64::MAX;
    for _ in 0..ROUNDS {
        let start = ticks();
        kernel_calls::yield_now();
        least = least.min(ticks() - start);
    }
    report_call(t.ipc, "yield-alone", least);
    t.set_own_priority(100)?;
    let space = t.space_with_image()?;
    let plan = Plan::new(yield_for_ever, 0).priority(100);
    for (name, plan) in [
        ("yield-thread", plan),
        ("yield-process", plan.in_space(space)),
    ] {
        let other = t.spawn(plan)?;
        // Until it stands where it reads the counter.
        kernel_calls::yield_now();
        ARRIVAL.forget();
        for _ in 0..ROUNDS {
            leaves();
            kernel_calls::yield_now();
        }
        invoke::tcb_suspend(&t.ipc, other.tcb)?;
        report_call(t.ipc, name, ARRIVAL.least());
    }
    Ok(())
}
