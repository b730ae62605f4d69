//! Budgets, periods and who runs.

use core::mem::offset_of;

use sel4_sys::boot_info::BootInfo;
use sel4_sys::object::ObjectType;
use sel4_sys::{Error, invocation as label, slot, syscall};

use super::host::Event;
use super::invariants;
use super::world::{Answer, TICKS_PER_US, Thread, World};
use crate::SchedContextRef;
use crate::capability::Capability;
use crate::object::ThreadState;

fn control(world: &World) -> u64 {
    world.boot_info(offset_of!(BootInfo, sched_control))
}

fn object(world: &World, slot: u64) -> SchedContextRef {
    match world.capability(slot) {
        Capability::SchedContext(context) => context.object,
        other => panic!("{other:?}"),
    }
}

/// A thread above the root server's priority that runs on a context with this budget and period.
fn periodic(world: &World, budget_us: u64, period_us: u64) -> (Thread, u64) {
    world.set_root_priority(100);
    let thread = world.new_passive(200);
    let context = world.new_context(budget_us, period_us);
    world.expect(context, label::SCHED_CONTEXT_BIND, &[], &[thread.slot]);
    world.expect_yielding(thread.slot, label::TCB_RESUME, &[], &[]);
    assert!(world.is_current(thread.thread));
    (thread, context)
}

fn refill_sum(world: &World, context: SchedContextRef) -> u64 {
    let state = world.kernel.sched_context(context);
    let (mut index, tail) = (state.refill_head.get(), state.refill_tail.get());
    let mut sum = 0;
    loop {
        sum += world.kernel.refill(context, index).amount.get();
        if index == tail {
            return sum;
        }
        index = (index + 1) % state.refill_max.get();
    }
}

#[test]
fn configure_checks_its_arguments() {
    let world = World::new();
    let context = world.make(ObjectType::SchedContext, 8);
    let configure = |words: [u64; 5], cap| {
        world.invoke(
            control(&world),
            label::SCHED_CONTROL_CONFIGURE_FLAGS,
            &words,
            &[cap],
        )
    };
    let max = u64::MAX / 8 / TICKS_PER_US;
    assert_eq!(
        configure([19, 100, 0, 0, 0], context),
        Answer::error(Error::RangeError, &[20, max])
    );
    assert_eq!(
        configure([20, 19, 0, 0, 0], context),
        Answer::error(Error::RangeError, &[20, max])
    );
    assert_eq!(
        configure([30, 20, 0, 0, 0], context),
        Answer::error(Error::RangeError, &[20, 20])
    );
    // 256 bytes hold 8 refills after the core.
    assert_eq!(
        configure([20, 30, 9, 0, 0], context),
        Answer::error(Error::RangeError, &[0, 8])
    );
    assert_eq!(configure([20, 30, 8, 0, 0], context), Answer::ok());
    assert_eq!(
        configure([20, 30, 0, 0, 0], slot::TCB),
        Answer::error(Error::InvalidCapability, &[1])
    );
    // A larger one has room for more refills than the kernel looks at in one go.
    let large = world.make(ObjectType::SchedContext, 12);
    assert_eq!(
        configure([20, 30, 127, 0, 0], large),
        Answer::error(Error::RangeError, &[0, 126])
    );
    assert_eq!(configure([20, 30, 126, 0, 0], large), Answer::ok());
}

#[test]
fn the_timer_is_set_to_the_end_of_the_budget() {
    let world = World::new();
    world.kernel.machine().take_events();
    periodic(&world, 300, 1000);
    let now = world.kernel.machine().now.get();
    let events = world.kernel.machine().take_events();
    assert_eq!(events.last(), Some(&Event::Timer(now + 300 * TICKS_PER_US)));
}

#[test]
fn a_thread_without_budget_waits_for_its_period() {
    let world = World::new();
    let (thread, context) = periodic(&world, 300, 1000);
    world.advance_us(300);
    world.kernel.handle_timer();
    assert!(world.is_current(world.root));
    assert!(world.kernel.tcb(thread.thread).in_release_queue.get());
    invariants::check(&world);
    world.advance_us(600);
    world.kernel.handle_timer();
    assert!(world.is_current(world.root), "the period is not over");
    world.advance_us(101);
    world.kernel.handle_timer();
    assert!(world.is_current(thread.thread));
    assert_eq!(
        refill_sum(&world, object(&world, context)),
        300 * TICKS_PER_US
    );
    invariants::check(&world);
}

#[test]
fn a_guestlike_spinner_never_gets_more_than_its_share() {
    let world = World::new();
    let (thread, context) = periodic(&world, 250, 1000);
    let mut used = 0;
    let step = 50;
    for _ in 0..400 {
        if world.is_current(thread.thread) {
            used += step;
        }
        world.advance_us(step);
        world.kernel.handle_timer();
        assert_eq!(
            refill_sum(&world, object(&world, context)),
            250 * TICKS_PER_US
        );
    }
    // 20 ms in all: at most a quarter and one budget.
    assert!((4_500..=5_250).contains(&used), "{used}");
    invariants::check(&world);
}

#[test]
fn equals_take_turns() {
    let world = World::new();
    let first = world.new_thread(200);
    let second = world.new_thread(200);
    world.set_root_priority(100);
    let mut order = std::vec::Vec::new();
    for _ in 0..4 {
        let current = world.kernel.current().expect("somebody runs");
        order.push(current);
        world.advance_us(1000);
        world.kernel.handle_timer();
        invariants::check(&world);
    }
    assert_eq!(order[0], order[2]);
    assert_eq!(order[1], order[3]);
    assert!(order.contains(&first.thread) && order.contains(&second.thread));
}

#[test]
fn yield_gives_equals_their_turn() {
    let world = World::new();
    let first = world.new_thread(200);
    let second = world.new_thread(200);
    world.set_root_priority(100);
    let before = world.kernel.current();
    world.system_call(syscall::YIELD, 0);
    let after = world.kernel.current();
    assert_ne!(before, after);
    assert!(after == Some(first.thread) || after == Some(second.thread));
    world.system_call(syscall::YIELD, 0);
    assert_eq!(world.kernel.current(), before);
}

#[test]
fn consumed_tells_and_forgets() {
    let world = World::new();
    let (thread, context) = periodic(&world, 500, 1000);
    world.advance_us(120);
    world.kernel.handle_timer();
    assert!(world.is_current(thread.thread));
    world.kernel.suspend(thread.thread);
    world.kernel.leave();
    let consumed = |world: &World| world.invoke(context, label::SCHED_CONTEXT_CONSUMED, &[], &[]);
    assert_eq!(consumed(&world), Answer::of(0, &[120]));
    assert_eq!(consumed(&world), Answer::of(0, &[0]));
}

#[test]
fn the_timeout_handler_hears_of_the_end() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    world.set_root_priority(100);
    let thread = world.new_passive(200);
    let context = world.new_context(300, 1000);
    let set = label::TCB_SET_TIMEOUT_ENDPOINT;
    let bad = world.invoke(thread.slot, set, &[], &[slot::TCB]);
    assert_eq!(bad, Answer::error(Error::InvalidCapability, &[1]));
    world.expect(thread.slot, set, &[], &[endpoint]);
    world.expect(context, label::SCHED_CONTEXT_BIND, &[], &[thread.slot]);
    world.expect_yielding(thread.slot, label::TCB_RESUME, &[], &[]);
    world.advance_us(300);
    world.kernel.handle_timer();
    assert_eq!(world.state(thread.thread), ThreadState::BlockedOnSend);
    world.receive(syscall::RECV, endpoint, reply);
    let fault = Answer::of(sel4_sys::fault::TIMEOUT, &[77, 300]);
    assert_eq!(world.message(world.root), fault);
    assert_eq!(world.state(thread.thread), ThreadState::BlockedOnReply);
    // An empty answer restarts it; it still has to wait for its period.
    world.send(syscall::SEND, reply, &[]);
    assert!(world.kernel.tcb(thread.thread).in_release_queue.get());
    invariants::check(&world);
}

#[test]
fn yield_to_runs_the_other_and_tells_its_time() {
    let world = World::new();
    let thread = world.new_passive(255);
    let context = world.new_context(300, 1000);
    world.expect(context, label::SCHED_CONTEXT_BIND, &[], &[thread.slot]);
    world.expect(thread.slot, label::TCB_RESUME, &[], &[]);
    assert!(world.is_current(world.root));
    world.set_message(world.root, label::SCHED_CONTEXT_YIELD_TO, &[], &[]);
    world.system_call(syscall::CALL, context);
    assert!(world.is_current(thread.thread));
    world.advance_us(100);
    world.system_call(syscall::YIELD, 0);
    assert!(world.is_current(world.root));
    assert_eq!(world.message(world.root), Answer::of(0, &[100]));
    let own = world.invoke(slot::SCHED_CONTEXT, label::SCHED_CONTEXT_YIELD_TO, &[], &[]);
    assert_eq!(own, Answer::error(Error::IllegalOperation, &[]));
}

#[test]
fn a_system_call_without_budget_waits() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let (thread, _) = periodic(&world, 300, 1000);
    world.advance_us(295);
    world.send(syscall::SEND, endpoint, &[1]);
    assert!(world.is_current(world.root));
    assert_eq!(world.state(thread.thread), ThreadState::Restart);
    world.advance_us(800);
    world.kernel.handle_timer();
    assert!(world.is_current(thread.thread));
    world.enter();
    assert_eq!(world.state(thread.thread), ThreadState::BlockedOnSend);
}

#[test]
fn bind_refuses_what_is_bound() {
    let world = World::new();
    let thread = world.new_thread(10);
    let context = world.new_context(100, 100);
    let bind = |cap| world.invoke(context, label::SCHED_CONTEXT_BIND, &[], &[cap]);
    let illegal = Answer::error(Error::IllegalOperation, &[]);
    assert_eq!(bind(thread.slot), illegal);
    assert_eq!(
        bind(slot::CNODE),
        Answer::error(Error::InvalidCapability, &[1])
    );
    let notification = world.make(ObjectType::Notification, 0);
    assert_eq!(bind(notification), Answer::ok());
    assert_eq!(bind(notification), illegal);
    let unbind = |cap| world.invoke(context, label::SCHED_CONTEXT_UNBIND_OBJECT, &[], &[cap]);
    assert_eq!(unbind(notification), Answer::ok());
    assert_eq!(unbind(notification), illegal);
    assert_eq!(unbind(thread.slot), illegal);
    let root = world.invoke(slot::SCHED_CONTEXT, label::SCHED_CONTEXT_UNBIND, &[], &[]);
    assert_eq!(root, illegal);
}

#[test]
fn deleting_a_context_stops_its_thread() {
    let world = World::new();
    let (thread, context) = periodic(&world, 300, 1000);
    world.kernel.suspend(thread.thread);
    world.kernel.leave();
    world.delete(context);
    assert!(
        world
            .kernel
            .tcb(thread.thread)
            .sched_context
            .get()
            .is_none()
    );
    world.expect(thread.slot, label::TCB_RESUME, &[], &[]);
    assert!(world.is_current(world.root));
    invariants::check(&world);
}

#[test]
fn idle_when_nobody_can_run() {
    let world = World::new();
    let notification = world.make(ObjectType::Notification, 0);
    let resume = world.system_call(syscall::WAIT, notification);
    assert_eq!(resume, crate::Resume::Idle);
    assert_eq!(world.kernel.handle_timer(), crate::Resume::Idle);
}
