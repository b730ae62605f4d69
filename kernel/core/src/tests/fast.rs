//! The fast paths do what the general code does: the same calls, once by each, leave the same state.

use std::vec::Vec;

use proptest::prelude::*;
use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, invocation as label, slot, syscall};

use super::host::Event;
use super::invariants;
use super::world::World;
use crate::capability::{Capability, Level};
use crate::{Register, Resume, SlotRef, TcbRef};

/// Which code does the system calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Path {
    Fast,
    General,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn calls(words in 0usize..12, above in any::<bool>(), badge in any::<u64>()) {
        let [fast, general] = [Path::Fast, Path::General]
            .map(|path| message_exchange(path, words, above, badge));
        prop_assert_eq!(fast, general);
    }

    #[test]
    fn signals(priorities in prop::collection::vec(48u64..53, 1..4), steps in prop::collection::vec(0u64..40, 1..8), badge in any::<u64>()) {
        let [fast, general] = [Path::Fast, Path::General]
            .map(|path| signals_and_waits(path, &priorities, &steps, badge));
        prop_assert_eq!(fast, general);
    }

    #[test]
    fn memory(object in 0usize..5, count in 1u64..4, rights in 0u64..4, attributes in 0u64..8) {
        let [fast, general] = [Path::Fast, Path::General]
            .map(|path| memory_made_and_mapped(path, object, count, (rights, attributes)));
        prop_assert_eq!(fast, general);
    }

    #[test]
    fn sends(words in 0usize..12, priority in 48u64..53, badge in any::<u64>()) {
        let [fast, general] = [Path::Fast, Path::General]
            .map(|path| send_to_receiver(path, words, priority, badge));
        prop_assert_eq!(fast, general);
    }
}

/// The current thread makes a system call; the fast paths must take it if they are asked.
fn enter(world: &World, path: Path, number: i64, cptr: u64) {
    let current = world.kernel.current().expect("somebody runs");
    world.set_registers(current, number, cptr);
    let context = &world.kernel.tcb(current).context;
    context.set(Register::Rip, context.get(Register::Rip) + 2);
    match path {
        Path::Fast => {
            let next: Option<Resume> = world.enter_fast();
            next.expect("fit for the fast path");
        }
        Path::General => {
            world.kernel.handle_system_call();
        }
    }
    invariants::check(world);
    invariants::check_objects(world);
}

/// A call to a passive server and its answer; what all see of it.
fn message_exchange(path: Path, words: usize, above: bool, badge: u64) -> Vec<u64> {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    let badged = world.mint(endpoint, CapRights::ALL, badge);
    let server = world.new_passive(if above { 254 } else { 50 });
    let context = world.new_context(1000, 1000);
    world.expect(context, label::SCHED_CONTEXT_BIND, &[], &[server.slot]);
    world.expect(server.slot, label::TCB_RESUME, &[], &[]);
    world.set_root_priority(40);
    world.receive(syscall::RECV, endpoint, reply);
    world.expect(context, label::SCHED_CONTEXT_UNBIND, &[], &[]);
    world.set_root_priority(100);
    world.kernel.machine().take_events();
    let mut seen = Vec::new();
    for round in 0..2 {
        let message: Vec<u64> = (round..).take(words).collect();
        world.set_message(world.root, 9, &message, &[]);
        enter(&world, path, syscall::CALL, badged);
        assert!(world.is_current(server.thread));
        observe(&world, &[world.root, server.thread], &mut seen);
        world.set_message(server.thread, 7, &message, &[]);
        let context = &world.kernel.tcb(server.thread).context;
        context.set(crate::message::REPLY_REGISTER, reply);
        enter(&world, path, syscall::REPLY_RECV, endpoint);
        assert!(world.is_current(world.root));
        observe(&world, &[world.root, server.thread], &mut seen);
    }
    seen.push(switches(&world));
    seen
}

/// Threads wait for signals, one each, and the root server signals them as it runs; each woken one waits
/// again in its turn. Time passes by some microseconds before each call.
fn signals_and_waits(path: Path, priorities: &[u64], steps: &[u64], badge: u64) -> Vec<u64> {
    let world = World::new();
    let mut threads = std::vec![world.root];
    let mut signals = Vec::new();
    let mut waits = std::vec![0];
    for priority in priorities {
        let notification = world.make(ObjectType::Notification, 0);
        signals.push(world.mint(notification, CapRights::ALL, badge));
        waits.push(notification);
        threads.push(world.new_thread(*priority).thread);
    }
    // Everyone waits but the root server, which then is one of them.
    world.set_root_priority(1);
    while !world.is_current(world.root) {
        let turn = threads.iter().position(|thread| world.is_current(*thread));
        world.receive(syscall::WAIT, waits[turn.expect("one of them")], 0);
    }
    world.set_root_priority(50);
    world.kernel.machine().take_events();
    let mut seen = Vec::new();
    for step in steps {
        world.advance_us(*step);
        let turn = threads.iter().position(|thread| world.is_current(*thread));
        match turn.expect("one of them") {
            0 => {
                let to = usize::try_from(*step).expect("small") % signals.len();
                world.set_message(world.root, 0, &[], &[]);
                enter(&world, path, syscall::SEND, signals[to]);
            }
            waiter if step % 3 == 0 => enter(&world, path, syscall::WAIT, waits[waiter]),
            // Signals the next one before.
            waiter => {
                let to = signals[waiter % signals.len()];
                let context = &world.kernel.tcb(threads[waiter]).context;
                context.set(crate::message::REPLY_REGISTER, to);
                world.set_message(threads[waiter], 0, &[], &[]);
                let own = match world.capability(waits[waiter]) {
                    Capability::Notification(own) => world.kernel.notification(own.object),
                    other => panic!("{other:?}"),
                };
                // A signal to oneself, or one that is there already, is the general code's.
                let is_common = to != signals[waiter - 1] && !own.active.get();
                let path = if is_common { path } else { Path::General };
                enter(&world, path, syscall::NB_SEND_WAIT, waits[waiter]);
            }
        }
        observe(&world, &threads, &mut seen);
        seen.push(world.kernel.current().map_or(0, TcbRef::address));
    }
    observe_time(&world, &threads, &mut seen);
    seen
}

/// A Send to a thread that waits to receive.
fn send_to_receiver(path: Path, words: usize, priority: u64, badge: u64) -> Vec<u64> {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let reply = world.make(ObjectType::Reply, 0);
    let badged = world.mint(endpoint, CapRights::ALL, badge);
    let receiver = world.new_thread(priority).thread;
    world.set_root_priority(1);
    world.receive(syscall::RECV, endpoint, reply);
    world.set_root_priority(50);
    world.kernel.machine().take_events();
    world.advance_us(7);
    let message: Vec<u64> = (1..).take(words).collect();
    world.set_message(world.root, 5, &message, &[]);
    enter(&world, path, syscall::SEND, badged);
    let mut seen = Vec::new();
    observe(&world, &[world.root, receiver], &mut seen);
    observe_time(&world, &[world.root, receiver], &mut seen);
    seen.push(world.kernel.current().map_or(0, TcbRef::address));
    seen
}

/// Objects are made of memory twice; a frame is mapped, mapped with other rights, and unmapped.
fn memory_made_and_mapped(
    path: Path,
    object: usize,
    count: u64,
    (rights, attributes): (u64, u64),
) -> Vec<u64> {
    let world = World::new();
    let (object, bits) = [
        (ObjectType::Page, 0),
        (ObjectType::Endpoint, 0),
        (ObjectType::Untyped, 9),
        (ObjectType::CNode, 3),
        (ObjectType::Tcb, 0),
    ][object];
    let untyped = world.make(ObjectType::Untyped, 16);
    let first = world.fresh_slot();
    let slots: Vec<u64> = (1..count).map(|_| world.fresh_slot()).collect();
    let frame = world.make(ObjectType::Page, 0);
    let mut seen = Vec::new();
    let mut call = |cptr, label, words: &[u64], caps: &[u64]| {
        world.set_message(world.root, label, words, caps);
        enter(&world, path, syscall::CALL, cptr);
        observe(&world, &[world.root], &mut seen);
        for slot in [untyped, first, frame].iter().chain(&slots) {
            let (at, _) = world
                .kernel
                .lookup_capability(world.root, *slot)
                .expect("there");
            let slot = world.kernel.slot(at);
            seen.extend(slot.words());
            seen.push(slot.previous().map_or(0, SlotRef::address));
            seen.push(slot.next().map_or(0, SlotRef::address));
        }
        let root = world
            .kernel
            .space_of_thread(world.root)
            .expect("it has one");
        let entry = world.kernel.entry(root, 0x40_5000, Level::Table);
        seen.push(entry.expect("tables are there").get().word());
    };
    for _ in 0..2 {
        let words = [object as u64, bits, 0, 0, first, count];
        call(untyped, label::UNTYPED_RETYPE, &words, &[slot::CNODE]);
        for rights in [rights, 3 - rights] {
            let words = [0x40_5000, rights, attributes];
            call(frame, label::X86_PAGE_MAP, &words, &[slot::VSPACE]);
        }
        call(frame, label::X86_PAGE_UNMAP, &[], &[]);
        world.revoke(untyped);
    }
    seen
}

/// How often the address space was changed.
fn switches(world: &World) -> u64 {
    let events = world.kernel.machine().take_events();
    let is_switch = |event: &&Event| matches!(event, Event::Activate(Some(_)));
    events.iter().filter(is_switch).count() as u64
}

/// Notes what is visible of threads.
fn observe(world: &World, threads: &[TcbRef], seen: &mut Vec<u64>) {
    let kernel = &world.kernel;
    for thread in threads {
        let tcb = kernel.tcb(*thread);
        seen.extend(tcb.context.registers.iter().map(core::cell::Cell::get));
        seen.extend([
            tcb.state.get() as u64,
            tcb.blocking_object.get(),
            tcb.sched_context
                .get()
                .map_or(0, crate::SchedContextRef::address),
            tcb.reply.get().map_or(0, crate::ReplyRef::address),
            tcb.ready_next.get().map_or(0, TcbRef::address),
            tcb.queue_next.get().map_or(0, TcbRef::address),
        ]);
        if !kernel.is_runnable(*thread) {
            seen.push(tcb.fault_address.get());
        }
    }
}

/// Notes what has been paid, and who pays.
fn observe_time(world: &World, threads: &[TcbRef], seen: &mut Vec<u64>) {
    let kernel = &world.kernel;
    // What the fast paths have not looked at yet counts as well.
    kernel.update_time();
    kernel.pay();
    for thread in threads {
        if let Some(context) = kernel.tcb(*thread).sched_context.get() {
            seen.push(kernel.sched_context(context).consumed.get());
            seen.push(kernel.refill_head(context).amount.get());
        }
    }
    seen.push(
        kernel
            .core
            .payer
            .get()
            .map_or(0, crate::SchedContextRef::address),
    );
}
