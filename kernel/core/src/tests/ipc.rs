//! Endpoints.

use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, Error, MessageInfo, invocation as label, slot, syscall};

use super::invariants;
use super::world::{Answer, Thread, World};
use crate::capability::Capability;
use crate::message::BufferUse;
use crate::object::ThreadState;
use crate::{Machine as _, Store as _};

struct Pair {
    world: World,
    endpoint: u64,
    reply: u64,
    other: Thread,
}

/// The root server at priority 100 and a thread at 200, which waits on an endpoint.
fn receiver_waits() -> Pair {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    world.set_root_priority(100);
    let other = world.new_thread(200);
    assert!(world.is_current(other.thread));
    world.receive(syscall::RECV, endpoint, reply);
    assert_eq!(world.state(other.thread), ThreadState::BlockedOnReceive);
    assert!(world.is_current(world.root));
    Pair {
        world,
        endpoint,
        reply,
        other,
    }
}

#[test]
fn send_hands_over_words_and_badge() {
    let pair = receiver_waits();
    let world = &pair.world;
    let badged = world.mint(pair.endpoint, CapRights::ALL, 0x55);
    world.send(syscall::SEND, badged, &[1, 2, 3, 4, 5, 6]);
    assert!(world.is_current(pair.other.thread));
    assert_eq!(world.badge(pair.other.thread), 0x55);
    let message = Answer::of(0, &[1, 2, 3, 4, 5, 6]);
    assert_eq!(world.message(pair.other.thread), message);
    assert_eq!(world.state(world.root), ThreadState::Running);
    invariants::check(world);
}

#[test]
fn call_waits_for_the_reply() {
    let pair = receiver_waits();
    let world = &pair.world;
    world.send(syscall::CALL, pair.endpoint, &[7]);
    assert_eq!(world.state(world.root), ThreadState::BlockedOnReply);
    assert!(world.is_current(pair.other.thread));
    world.set_message(pair.other.thread, 3, &[8, 9], &[]);
    world.receive(syscall::REPLY_RECV, pair.endpoint, pair.reply);
    assert!(world.is_current(world.root));
    assert_eq!(world.message(world.root), Answer::of(3, &[8, 9]));
    assert_eq!(world.badge(world.root), 0);
    assert_eq!(
        world.state(pair.other.thread),
        ThreadState::BlockedOnReceive
    );
    invariants::check(world);
}

#[test]
fn a_reply_is_good_for_one_answer() {
    let pair = receiver_waits();
    let world = &pair.world;
    world.send(syscall::CALL, pair.endpoint, &[7]);
    world.send(syscall::SEND, pair.reply, &[1]);
    assert_eq!(world.state(world.root), ThreadState::Running);
    world.send(syscall::SEND, pair.reply, &[2]);
    assert_eq!(world.message(world.root), Answer::of(0, &[1]));
}

#[test]
fn non_blocking_send_without_receiver_is_lost() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    world.send(syscall::NB_SEND, endpoint, &[1]);
    assert_eq!(world.state(world.root), ThreadState::Running);
    assert!(world.is_current(world.root));
}

#[test]
fn poll_finds_nothing_and_says_so() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    world.receive(syscall::NB_RECV, endpoint, reply);
    assert_eq!(world.badge(world.root), 0);
    assert_eq!(world.state(world.root), ThreadState::Running);
}

#[test]
fn senders_wait_in_order_of_priority() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    let threads = [150, 200, 150].map(|priority| world.new_passive(priority));
    for thread in &threads {
        let context = world.new_context(1000, 1000);
        world.expect(context, label::SCHED_CONTEXT_BIND, &[], &[thread.slot]);
    }
    for (thread, badge) in threads.iter().zip(1..) {
        let badged = world.mint(endpoint, CapRights::ALL, badge);
        world.expect(thread.slot, label::TCB_RESUME, &[], &[]);
        world.set_root_priority(10);
        assert!(world.is_current(thread.thread));
        world.send(syscall::SEND, badged, &[badge]);
        assert!(world.is_current(world.root));
        world.set_root_priority(255);
    }
    let received = [0; 3].map(|_| {
        world.receive(syscall::RECV, endpoint, reply);
        world.badge(world.root)
    });
    assert_eq!(received, [2, 1, 3]);
    invariants::check(&world);
}

#[test]
fn the_right_to_send_and_receive_is_checked() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let read = world.mint(endpoint, CapRights::READ, 0);
    assert_eq!(
        world.invoke(read, 0, &[], &[]),
        Answer::error(Error::InvalidCapability, &[0])
    );
    let handler = world.new_thread(254);
    let write = world.mint(endpoint, CapRights::WRITE, 0);
    let _ = handler;
    world.receive(syscall::RECV, write, 0);
    assert_eq!(
        world.state(world.root),
        ThreadState::Inactive,
        "fault without handler"
    );
}

/// Sends a capability to the waiting receiver, which keeps `slot` free for it.
fn send_capability(pair: &Pair, via: u64, cap: u64, to: u64) {
    let world = &pair.world;
    let buffer = world.kernel.buffer(pair.other.thread, BufferUse::Write);
    let buffer = buffer.expect("has one");
    for (index, word) in [(125, slot::CNODE), (126, to), (127, 64)] {
        world.kernel.machine().store(buffer.word(index), word);
    }
    world.set_message(world.root, 0, &[], &[cap]);
    world.system_call(syscall::SEND, via);
}

#[test]
fn grant_sends_a_capability() {
    let pair = receiver_waits();
    let world = &pair.world;
    let to = world.fresh_slot();
    send_capability(&pair, pair.endpoint, slot::TCB, to);
    let info = world.kernel.tcb(pair.other.thread).message_info();
    assert_eq!((info.extra_caps(), info.caps_unwrapped()), (1, 0));
    assert_eq!(world.capability(to), Capability::Thread(world.root));
    invariants::check(world);
}

#[test]
fn without_grant_no_capability_arrives() {
    let pair = receiver_waits();
    let world = &pair.world;
    let to = world.fresh_slot();
    let weak = world.mint(pair.endpoint, CapRights::READ_WRITE, 0);
    send_capability(&pair, weak, slot::TCB, to);
    let info = world.kernel.tcb(pair.other.thread).message_info();
    assert_eq!(info, MessageInfo::new(0, 0, 0));
    assert_eq!(world.capability(to), Capability::Null);
}

#[test]
fn a_capability_to_the_endpoint_arrives_as_its_badge() {
    let pair = receiver_waits();
    let world = &pair.world;
    let to = world.fresh_slot();
    let badged = world.mint(pair.endpoint, CapRights::ALL, 0x77);
    send_capability(&pair, pair.endpoint, badged, to);
    let info = world.kernel.tcb(pair.other.thread).message_info();
    assert_eq!((info.extra_caps(), info.caps_unwrapped()), (1, 1));
    let buffer = world.kernel.buffer(pair.other.thread, BufferUse::Read);
    let word = buffer.expect("has one").word(122);
    assert_eq!(world.kernel.machine().load(word), 0x77);
    assert_eq!(world.capability(to), Capability::Null);
}

#[test]
fn deleting_the_endpoint_restarts_those_who_wait() {
    let pair = receiver_waits();
    let world = &pair.world;
    world.kernel.machine().take_events();
    world.delete(pair.endpoint);
    assert!(
        world.is_current(pair.other.thread),
        "it has the higher priority"
    );
    assert_eq!(world.state(pair.other.thread), ThreadState::Running);
    world.enter();
    assert_eq!(
        world.state(pair.other.thread),
        ThreadState::Inactive,
        "no endpoint, no handler"
    );
    let _ = world.kernel.machine().now();
    invariants::check(world);
}

#[test]
fn a_failed_lookup_names_itself() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    world.send(syscall::NB_SEND, 12, &[1]);
    assert_eq!(
        world.state(world.root),
        ThreadState::Running,
        "non-blocking: ignored"
    );
    let _ = endpoint;
    world.send(syscall::SEND, 1 << 30, &[1]);
    assert_eq!(world.state(world.root), ThreadState::Inactive, "no handler");
}
