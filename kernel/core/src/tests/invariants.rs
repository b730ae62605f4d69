//! What must be true of the kernel's state between any two system calls.

use std::collections::BTreeSet;
use std::vec::Vec;

use super::world::World;
use crate::SlotRef;
use crate::address::{TCB_SLOT_COUNT, TcbSlot};
use crate::capability::{CNode, Capability, direct_slots};
use crate::core_state::PRIORITIES;
use crate::object::Queue;

/// All slots that can be reached from the root server's CNode and its thread.
pub(super) fn reachable_slots(world: &World) -> Vec<SlotRef> {
    let mut seen = BTreeSet::new();
    let mut slots = Vec::new();
    let mut cnodes: Vec<(SlotRef, u64)> = Vec::new();
    let root = world.root;
    cnodes.push((root.slot(TcbSlot::CSpace), TCB_SLOT_COUNT));
    while let Some((base, count)) = cnodes.pop() {
        if !seen.insert(base.address()) {
            continue;
        }
        for slot in (0..count).map(|index| base.offset(index)) {
            slots.push(slot);
            match world.kernel.slot(slot).capability() {
                Capability::CNode(CNode { base, radix, .. }) => {
                    // Tests use the first slots of the root server's large CNode only.
                    cnodes.push((base, (1 << radix).min(128)));
                }
                Capability::Thread(tcb) => cnodes.push((tcb.slot(TcbSlot::CSpace), TCB_SLOT_COUNT)),
                _ => (),
            }
        }
    }
    slots
}

/// Checks the derivation list around every reachable slot.
pub(super) fn check(world: &World) {
    let kernel = &world.kernel;
    assert!(!kernel.is_deleting(), "a deletion was left unfinished");
    for at in reachable_slots(world) {
        let slot = kernel.slot(at);
        if slot.is_empty() {
            assert!(slot.next().is_none() && slot.previous().is_none());
            continue;
        }
        if let Some(next) = slot.next() {
            assert_eq!(kernel.slot(next).previous(), Some(at), "broken list");
            assert!(!kernel.slot(next).is_empty(), "empty slot in the list");
        }
        if let Some(previous) = slot.previous() {
            assert_eq!(kernel.slot(previous).next(), Some(at), "broken list");
        }
        if let Capability::Untyped(untyped) = slot.capability() {
            assert!(untyped.used <= untyped.size(), "more used than there is");
            let zeroed = untyped.zeroed.min(untyped.size());
            if let Some(bytes) = zeroed.checked_sub(untyped.used) {
                let first = untyped.start.0 + untyped.used;
                assert!(kernel.machine().is_zeroed(first, bytes), "not zeroed");
            }
        }
    }
    for (domain, queues) in (0..).zip(&kernel.core.ready) {
        check_domain_queues(world, domain, queues);
    }
}

fn check_domain_queues(world: &World, domain: u8, queues: &[Queue; PRIORITIES]) {
    let kernel = &world.kernel;
    let priorities = kernel.ready_priorities_of(domain);
    for (priority, queue) in (0u8..=255).zip(queues) {
        let marked = priorities.contains(priority);
        assert_eq!(marked, queue.head.get().is_some(), "wrong priority bits");
        let mut next = queue.head.get();
        let mut previous = None;
        while let Some(thread) = next {
            let tcb = kernel.tcb(thread);
            assert!(tcb.in_ready_queue.get() && kernel.is_schedulable(thread));
            assert_eq!(tcb.ready_previous.get(), previous);
            assert_eq!((tcb.domain.get(), tcb.priority.get()), (domain, priority));
            assert_ne!(kernel.current(), Some(thread), "runs and waits to run");
            previous = next;
            next = tcb.ready_next.get();
        }
        assert_eq!(queue.tail.get(), previous);
    }
}

/// Checks that objects agree about each other: threads with their contexts, replies and queues.
pub(super) fn check_objects(world: &World) {
    let kernel = &world.kernel;
    for at in reachable_slots(world) {
        match kernel.slot(at).capability() {
            Capability::Thread(thread) => check_thread(world, thread),
            Capability::SchedContext(context) => {
                let state = kernel.sched_context(context.object);
                if let Some(thread) = state.tcb.get() {
                    assert_eq!(kernel.tcb(thread).sched_context.get(), Some(context.object));
                }
                if let Some(reply) = state.reply.get() {
                    assert_eq!(
                        kernel.reply(reply).sched_context.get(),
                        Some(context.object)
                    );
                }
            }
            Capability::Reply(reply) => {
                let state = kernel.reply(reply.object);
                if let Some(thread) = state.tcb.get() {
                    assert_eq!(kernel.tcb(thread).reply.get(), Some(reply.object));
                }
                if let Some(previous) = state.previous.get() {
                    assert_eq!(kernel.reply(previous).next.get(), Some(reply.object));
                }
                if let Some(next) = state.next.get() {
                    assert_eq!(kernel.reply(next).previous.get(), Some(reply.object));
                }
            }
            Capability::Notification(notification) => {
                let state = kernel.notification(notification.object);
                if let Some(thread) = state.bound_tcb.get() {
                    let bound = kernel.tcb(thread).bound_notification.get();
                    assert_eq!(bound, Some(notification.object));
                }
                if state.active.get() {
                    assert!(state.queue.head.get().is_none(), "a signal and a waiter");
                }
            }
            _ => (),
        }
    }
}

/// What a thread remembers is what it would find.
fn check_route(world: &World, thread: crate::TcbRef) {
    let kernel = &world.kernel;
    let route = &kernel.tcb(thread).route;
    let is_fresh = route.epoch.get() == kernel.route_epoch.get();
    assert!(is_fresh || kernel.current() != Some(thread), "out of date");
    if is_fresh {
        assert_eq!(route.space.get(), kernel.named_space(thread));
        let slots = direct_slots(kernel.slot(thread.slot(TcbSlot::CSpace)).words());
        assert_eq!(route.slot_count.get(), slots.map_or(0, |(_, count)| count));
        assert_eq!(route.slots.get(), slots.map(|(slots, _)| slots));
    }
}

fn check_thread(world: &World, thread: crate::TcbRef) {
    let kernel = &world.kernel;
    let tcb = kernel.tcb(thread);
    if let Some(context) = tcb.sched_context.get() {
        assert_eq!(kernel.sched_context(context).tcb.get(), Some(thread));
    }
    if let Some(reply) = tcb.reply.get() {
        assert_eq!(kernel.reply(reply).tcb.get(), Some(thread));
    }
    check_route(world, thread);
    assert!(!(tcb.in_ready_queue.get() && tcb.in_release_queue.get()));
    let ready = kernel.is_schedulable(thread) && kernel.current() != Some(thread);
    assert_eq!(
        tcb.in_ready_queue.get(),
        ready,
        "ready threads stand in a queue"
    );
}
