//! Passive servers, lent time and the stacks of calls.

use sel4_sys::object::ObjectType;
use sel4_sys::{invocation as label, syscall};

use super::invariants;
use super::world::{Answer, Thread, World};
use crate::object::ThreadState;

/// A passive server at priority 200 that waits on an endpoint; the root server has priority 100.
struct Server {
    endpoint: u64,
    reply: u64,
    thread: Thread,
}

fn passive_server(world: &World) -> Server {
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    let thread = world.new_passive(200);
    let context = world.new_context(1000, 1000);
    world.expect(context, label::SCHED_CONTEXT_BIND, &[], &[thread.slot]);
    world.expect(thread.slot, label::TCB_RESUME, &[], &[]);
    world.set_root_priority(100);
    assert!(world.is_current(thread.thread));
    world.receive(syscall::RECV, endpoint, reply);
    world.expect(context, label::SCHED_CONTEXT_UNBIND, &[], &[]);
    world.set_root_priority(255);
    Server {
        endpoint,
        reply,
        thread,
    }
}

fn root_context(world: &World) -> crate::SchedContextRef {
    let context = world.kernel.tcb(world.root).sched_context.get();
    context.expect("root runs on one")
}

#[test]
fn a_call_lends_time_and_the_reply_returns_it() {
    let world = World::new();
    let server = passive_server(&world);
    let context = root_context(&world);
    world.send(syscall::CALL, server.endpoint, &[1]);
    assert!(world.is_current(server.thread.thread));
    let holder = |thread| world.kernel.tcb(thread).sched_context.get();
    assert_eq!(holder(server.thread.thread), Some(context));
    assert_eq!(holder(world.root), None);
    world.set_message(server.thread.thread, 0, &[2], &[]);
    world.receive(syscall::REPLY_RECV, server.endpoint, server.reply);
    assert!(world.is_current(world.root));
    assert_eq!(holder(world.root), Some(context));
    assert_eq!(holder(server.thread.thread), None);
    assert_eq!(world.message(world.root), Answer::of(0, &[2]));
    invariants::check(&world);
}

#[test]
fn time_returns_when_the_reply_object_is_deleted() {
    let world = World::new();
    let server = passive_server(&world);
    let context = root_context(&world);
    let killer = world.new_thread(254);
    world.set_root_priority(253);
    // The killer deletes its reply capability's object once the call is under way.
    assert!(world.is_current(killer.thread));
    world.kernel.suspend(killer.thread);
    world.kernel.leave();
    world.send(syscall::CALL, server.endpoint, &[1]);
    let slot = world.kernel.lookup_slot(server.thread.thread, server.reply);
    let slot = slot.expect("is there");
    assert!(world.kernel.delete(slot).is_ok());
    world.kernel.leave();
    assert_eq!(world.state(world.root), ThreadState::Inactive);
    assert_eq!(
        world.kernel.tcb(world.root).sched_context.get(),
        Some(context)
    );
    assert_eq!(
        world.kernel.tcb(server.thread.thread).sched_context.get(),
        None
    );
    assert!(!world.is_current(server.thread.thread));
}

#[test]
fn time_travels_along_a_chain_and_back() {
    let world = World::new();
    let first = passive_server(&world);
    let second = passive_server(&world);
    let context = root_context(&world);
    let holder = |thread: Thread| world.kernel.tcb(thread.thread).sched_context.get();
    world.send(syscall::CALL, first.endpoint, &[1]);
    world.send(syscall::CALL, second.endpoint, &[2]);
    assert!(world.is_current(second.thread.thread));
    assert_eq!(holder(second.thread), Some(context));
    world.receive(syscall::REPLY_RECV, second.endpoint, second.reply);
    assert!(world.is_current(first.thread.thread));
    assert_eq!(holder(first.thread), Some(context));
    world.receive(syscall::REPLY_RECV, first.endpoint, first.reply);
    assert!(world.is_current(world.root));
    assert_eq!(root_context(&world), context);
    invariants::check(&world);
}

#[test]
fn a_gap_in_the_chain_is_bridged() {
    let world = World::new();
    let first = passive_server(&world);
    let second = passive_server(&world);
    let context = root_context(&world);
    world.send(syscall::CALL, first.endpoint, &[1]);
    world.send(syscall::CALL, second.endpoint, &[2]);
    // The first server's reply object goes while the second has the time.
    let slot = world.kernel.lookup_slot(first.thread.thread, first.reply);
    assert!(world.kernel.delete(slot.expect("is there")).is_ok());
    world.kernel.leave();
    assert_eq!(world.state(world.root), ThreadState::Inactive);
    assert!(world.is_current(second.thread.thread));
    world.receive(syscall::REPLY_RECV, second.endpoint, second.reply);
    let holder = world.kernel.tcb(first.thread.thread).sched_context.get();
    assert_eq!(
        holder,
        Some(context),
        "the first server is next in the chain"
    );
    assert!(world.is_current(first.thread.thread));
}

#[test]
fn nb_send_recv_gives_time_away() {
    let world = World::new();
    let server = passive_server(&world);
    let context = root_context(&world);
    let own = world.make(ObjectType::Endpoint, 0);
    let own_reply = world.make(ObjectType::Reply, 0);
    let tcb = world.kernel.tcb(world.root);
    tcb.context.set(crate::Register::R13, server.endpoint);
    world.set_message(world.root, 0, &[5], &[]);
    world.receive(syscall::NB_SEND_RECV, own, own_reply);
    assert!(world.is_current(server.thread.thread));
    assert_eq!(world.message(server.thread.thread), Answer::of(0, &[5]));
    assert_eq!(
        world.kernel.tcb(server.thread.thread).sched_context.get(),
        Some(context)
    );
    assert_eq!(world.state(world.root), ThreadState::BlockedOnReceive);
}

#[test]
fn deleting_the_caller_leaves_the_time_with_the_server() {
    let world = World::new();
    let server = passive_server(&world);
    let client = world.new_thread(254);
    world.set_root_priority(100);
    assert!(world.is_current(client.thread));
    world.send(syscall::CALL, server.endpoint, &[1]);
    assert!(world.is_current(server.thread.thread));
    world.set_root_priority_of_waiting(255);
    world.delete(client.slot);
    let held = world.kernel.tcb(server.thread.thread).sched_context.get();
    assert!(held.is_some());
    invariants::check(&world);
}
