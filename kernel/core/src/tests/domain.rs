//! Domains take turns by their schedule.

use sel4_sys::object::ObjectType;
use sel4_sys::{invocation as label, slot, syscall};

use super::invariants;
use super::world::{TICKS_PER_US, Thread, World};

const SET: u64 = label::DOMAIN_SET_SET;
const CONFIGURE: u64 = label::DOMAIN_SCHEDULE_CONFIGURE;
const SET_START: u64 = label::DOMAIN_SCHEDULE_SET_START;

/// A thread of another domain, ready to run.
fn thread_in(world: &World, domain: u64, priority: u64) -> Thread {
    let thread = world.new_thread(priority);
    world.expect(slot::DOMAIN, SET, &[domain], &[thread.slot]);
    thread
}

/// The schedule: domain 0 for 1,000 µs, domain 1 for 500 µs, domain 3 for 300 µs; then again.
fn take_turns(world: &World) {
    for (index, domain, us) in [(1, 0, 1000), (2, 1, 500), (3, 3, 300)] {
        let words = [index, domain, us * TICKS_PER_US];
        world.expect(slot::DOMAIN, CONFIGURE, &words, &[]);
    }
    world.expect(slot::DOMAIN, SET_START, &[1], &[]);
}

fn pass(world: &World, us: u64) {
    world.advance_us(us);
    world.kernel.handle_timer();
    invariants::check(world);
}

#[test]
fn a_thread_of_another_domain_waits_whatever_its_priority() {
    let world = World::new();
    world.set_root_priority(10);
    let other = thread_in(&world, 1, 9);
    world.expect(other.slot, label::TCB_SET_PRIORITY, &[200], &[slot::TCB]);
    invariants::check(&world);
    world.expect(other.slot, label::TCB_SUSPEND, &[], &[]);
    world.expect(other.slot, label::TCB_RESUME, &[], &[]);
    invariants::check(&world);
    world.expect(slot::DOMAIN, SET, &[2], &[other.slot]);
    assert!(world.is_current(world.root));
    // Back in the current domain it runs at once after the next choice.
    world.set_message(world.root, SET, &[0], &[other.slot]);
    world.system_call(syscall::CALL, slot::DOMAIN);
    world.system_call(syscall::YIELD, 0);
    assert!(world.is_current(other.thread));
}

#[test]
fn domains_have_their_time_in_turn() {
    let world = World::new();
    let one = thread_in(&world, 1, 5);
    let three = thread_in(&world, 3, 7);
    take_turns(&world);
    for _ in 0..3 {
        assert!(world.is_current(world.root));
        pass(&world, 900);
        assert!(world.is_current(world.root), "its time is not over");
        pass(&world, 100);
        assert!(world.is_current(one.thread));
        pass(&world, 500);
        assert!(world.is_current(three.thread));
        pass(&world, 300);
    }
}

#[test]
fn the_processor_is_idle_in_a_domain_without_ready_threads() {
    let world = World::new();
    take_turns(&world);
    pass(&world, 1000);
    assert_eq!(world.kernel.current(), None);
    // An interrupt or release changes nothing about that.
    world.kernel.handle_interrupt(100);
    assert_eq!(world.kernel.current(), None);
    pass(&world, 500);
    assert_eq!(world.kernel.current(), None, "domain 3");
    pass(&world, 300);
    assert!(world.is_current(world.root));
}

#[test]
fn a_call_to_another_domain_waits_for_its_turn() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    world.set_root_priority(100);
    let server = world.new_passive(200);
    let context = world.new_context(1000, 1000);
    world.expect(context, label::SCHED_CONTEXT_BIND, &[], &[server.slot]);
    world.expect_yielding(server.slot, label::TCB_RESUME, &[], &[]);
    world.receive(syscall::RECV, endpoint, reply);
    world.expect(context, label::SCHED_CONTEXT_UNBIND, &[], &[]);
    world.expect(slot::DOMAIN, SET, &[1], &[server.slot]);
    take_turns(&world);
    world.send(syscall::CALL, endpoint, &[7]);
    assert_eq!(world.kernel.current(), None);
    invariants::check(&world);
    pass(&world, 1000);
    assert!(world.is_current(server.thread));
    world.set_message(server.thread, 0, &[8], &[]);
    world.receive(syscall::REPLY_RECV, endpoint, reply);
    assert_eq!(world.kernel.current(), None, "its client is in domain 0");
    invariants::check(&world);
}

#[test]
fn new_threads_belong_to_the_current_domain() {
    let world = World::new();
    world.kernel.core.domains.current.set(2);
    let thread = world.thread(world.make(ObjectType::Tcb, 0));
    assert_eq!(world.kernel.tcb(thread).domain.get(), 2);
}
