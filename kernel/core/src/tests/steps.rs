//! What could take long is done in steps, or has a bound: the kernel runs with interrupts off.

use std::vec::Vec;

use proptest::prelude::*;
use sel4_sys::object::ObjectType;
use sel4_sys::{invocation as label, slot, syscall};

use super::invariants;
use super::world::World;
use crate::capability::{Capability, IoPorts};
use crate::object::ThreadState;
use crate::{Register, TcbRef};

/// Threads of the same priority that all wait at an object; the root server runs.
fn waiting_threads(world: &World, count: usize, object: u64) -> Vec<TcbRef> {
    let threads: Vec<TcbRef> = (0..count).map(|_| world.new_thread(60).thread).collect();
    world.set_root_priority(1);
    while !world.is_current(world.root) {
        world.receive(syscall::WAIT, object, 0);
    }
    world.set_root_priority(100);
    threads
}

#[test]
fn who_waits_at_a_deleted_object_is_told_step_by_step() {
    for object in [ObjectType::Endpoint, ObjectType::Notification] {
        let world = World::new();
        let kernel = &world.kernel;
        let slot = world.make(object, 0);
        let threads = waiting_threads(&world, 20, slot);
        let told = || {
            let is_told = |thread: &&TcbRef| world.state(**thread) == ThreadState::Restart;
            threads.iter().filter(is_told).count()
        };
        world.set_message(world.root, label::CNODE_DELETE, &[slot, 64], &[]);
        world.set_registers(world.root, syscall::CALL, slot::CNODE);
        let context = &kernel.tcb(world.root).context;
        let before = context.get(Register::Rip);
        let mut seen = Vec::new();
        while context.get(Register::Rip) == before {
            kernel.machine().looks_until_interrupt.set(1);
            context.set(Register::Rip, before + 2);
            kernel.handle_system_call();
            assert_eq!(world.capability(slot), Capability::Null);
            seen.push(told());
        }
        assert!(seen.len() > 2, "{seen:?}");
        assert!(seen[0] < 20 && seen.is_sorted(), "{seen:?}");
        assert_eq!(told(), 20);
        invariants::check(&world);
        invariants::check_objects(&world);
    }
}

#[test]
fn many_due_threads_become_ready_by_several_entries() {
    const THREADS: usize = 40;
    let world = World::new();
    let kernel = &world.kernel;
    world.set_root_priority(1);
    let threads: Vec<TcbRef> = (0..THREADS)
        .map(|_| {
            let thread = world.new_passive(50);
            let context = world.new_context(1_000, 1_000_000);
            world.expect(context, label::SCHED_CONTEXT_BIND, &[], &[thread.slot]);
            world.expect_yielding(thread.slot, label::TCB_RESUME, &[], &[]);
            assert!(world.is_current(thread.thread));
            world.advance_us(1_000);
            kernel.handle_timer();
            assert!(world.is_current(world.root), "its budget is used up");
            thread.thread
        })
        .collect();
    let waiting = || {
        let waits = |thread: &&TcbRef| kernel.tcb(**thread).in_release_queue.get();
        threads.iter().filter(waits).count()
    };
    assert_eq!(waiting(), THREADS);
    world.advance_us(2_000_000);
    let mut left = THREADS;
    while left > 0 {
        kernel.handle_timer();
        assert!(left - waiting() <= 16, "too many in one entry");
        assert!(waiting() < left, "none became ready");
        assert!(!world.is_current(world.root));
        left = waiting();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn ports_are_taken_one_by_one_or_by_many(first in any::<u16>(), count in prop_oneof![0u16..200, any::<u16>()]) {
        let world = World::new();
        let kernel = &world.kernel;
        let before: Vec<u64> = kernel.ports.iter().map(core::cell::Cell::get).collect();
        let ports = IoPorts { first, last: first.saturating_add(count) };
        let is_taken = |port: u16| kernel.ports[usize::from(port >> 6)].get() >> (port & 63) & 1 != 0;
        prop_assert!(kernel.are_ports_free(ports));
        kernel.take_ports(ports);
        for port in 0..=u16::MAX {
            prop_assert_eq!(is_taken(port), ports.first <= port && port <= ports.last);
        }
        for overlapping in [(ports.last, u16::MAX), (0, ports.first)] {
            let (first, last) = overlapping;
            let is_free = kernel.are_ports_free(IoPorts { first, last });
            prop_assert!(!is_free);
        }
        kernel.free_ports(ports);
        let after: Vec<u64> = kernel.ports.iter().map(core::cell::Cell::get).collect();
        prop_assert_eq!(before, after);
    }
}
