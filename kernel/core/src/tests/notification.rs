//! Signals.

use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, Error, invocation as label, slot, syscall};

use super::invariants;
use super::world::{Answer, World};
use crate::object::ThreadState;

#[test]
fn signals_add_up_until_taken() {
    let world = World::new();
    let notification = world.make(ObjectType::Notification, 0);
    for badge in [1, 4] {
        let badged = world.mint(notification, CapRights::WRITE, badge);
        world.send(syscall::SEND, badged, &[]);
    }
    world.system_call(syscall::WAIT, notification);
    assert_eq!(world.badge(world.root), 5);
    world.system_call(syscall::NB_WAIT, notification);
    assert_eq!(world.badge(world.root), 0);
}

#[test]
fn a_signal_wakes_the_most_important_waiter() {
    let world = World::new();
    let notification = world.make(ObjectType::Notification, 0);
    world.set_root_priority(100);
    let waiters = [150, 200].map(|priority| {
        let thread = world.new_thread(priority);
        world.system_call(syscall::WAIT, notification);
        thread
    });
    let badged = world.mint(notification, CapRights::WRITE, 9);
    world.send(syscall::SEND, badged, &[]);
    assert!(world.is_current(waiters[1].thread));
    assert_eq!(world.badge(waiters[1].thread), 9);
    assert_eq!(
        world.state(waiters[0].thread),
        ThreadState::BlockedOnNotification
    );
    invariants::check(&world);
}

#[test]
fn a_bound_notification_interrupts_receiving() {
    let world = World::new();
    let notification = world.make(ObjectType::Notification, 0);
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    world.set_root_priority(100);
    let thread = world.new_passive(200);
    let bind = |cap| world.invoke(thread.slot, label::TCB_BIND_NOTIFICATION, &[], &[cap]);
    let write_only = world.mint(notification, CapRights::WRITE, 3);
    assert_eq!(
        bind(write_only),
        Answer::error(Error::IllegalOperation, &[])
    );
    assert_eq!(bind(slot::TCB), Answer::error(Error::IllegalOperation, &[]));
    assert_eq!(bind(notification), Answer::ok());
    assert_eq!(
        bind(notification),
        Answer::error(Error::IllegalOperation, &[])
    );
    let context = world.new_context(1000, 1000);
    world.expect(thread.slot, label::TCB_RESUME, &[], &[]);
    let words = [200, 200];
    let caps = [slot::TCB, context, 12];
    world.expect_yielding(thread.slot, label::TCB_SET_SCHED_PARAMS, &words, &caps);
    assert!(world.is_current(thread.thread));
    world.receive(syscall::RECV, endpoint, reply);
    assert!(world.is_current(world.root));
    world.send(syscall::SEND, write_only, &[]);
    assert!(world.is_current(thread.thread));
    assert_eq!(world.badge(thread.thread), 3);
    assert!(world.kernel.tcb(thread.thread).reply.get().is_none());
    // Nobody else may wait on it.
    world.kernel.suspend(thread.thread);
    world.kernel.leave();
    world.system_call(syscall::WAIT, notification);
    assert_eq!(
        world.state(world.root),
        ThreadState::Inactive,
        "fault without handler"
    );
}

#[test]
fn a_passive_thread_runs_on_the_notifications_time() {
    let world = World::new();
    let notification = world.make(ObjectType::Notification, 0);
    world.set_root_priority(100);
    let thread = world.new_passive(200);
    let context = world.new_context(1000, 1000);
    let bind = label::SCHED_CONTEXT_BIND;
    world.expect(thread.slot, label::TCB_RESUME, &[], &[]);
    world.expect_yielding(context, bind, &[], &[thread.slot]);
    world.system_call(syscall::WAIT, notification);
    world.expect(context, label::SCHED_CONTEXT_UNBIND, &[], &[]);
    world.expect(context, bind, &[], &[notification]);
    world.send(syscall::SEND, notification, &[]);
    assert!(world.is_current(thread.thread));
    world.system_call(syscall::WAIT, notification);
    assert!(world.is_current(world.root));
    assert!(
        world
            .kernel
            .tcb(thread.thread)
            .sched_context
            .get()
            .is_none()
    );
    invariants::check(&world);
}
