//! Random system calls: whatever threads ask for, the kernel's state stays whole.
//!
//! The calls are chosen so that many of them succeed: capabilities come from a small range of slots that
//! holds objects of most types, and labels, sizes and depths are mostly sensible.

use std::vec::Vec;

use proptest::prelude::*;
use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, invocation as label, slot, syscall};

use super::host::Event;
use super::invariants;
use super::world::World;
use crate::capability::{Capability, FrameRights};
use crate::{Resume, Store as _};

/// Slots that random calls name.
const SLOTS: u64 = 40;

#[derive(Clone, Debug)]
struct RandomCall {
    number: i64,
    cptr: u64,
    reply: u64,
    label: u64,
    words: Vec<u64>,
    caps: Vec<u64>,
    advance_us: u64,
    interrupt_after: u32,
    event: u8,
}

fn any_word() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => 0..SLOTS,
        2 => Just(64),
        2 => Just(15),
        1 => (0u64..8).prop_map(|index| 0x7000_0000_0000 + index * 0x1000),
        1 => any::<u64>(),
    ]
}

fn any_label() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(label::UNTYPED_RETYPE),
        8 => label::CNODE_REVOKE..=label::CNODE_ROTATE,
        6 => label::TCB_READ_REGISTERS..=label::TCB_SET_FLAGS,
        4 => label::SCHED_CONTROL_CONFIGURE_FLAGS..=label::SCHED_CONTEXT_YIELD_TO,
        4 => label::X86_PDPT_MAP..=label::X86_IRQ_ISSUE_HANDLER_MSI,
        2 => 4096u64..4103,
    ]
}

fn any_call() -> impl Strategy<Value = RandomCall> {
    (
        prop_oneof![6 => Just(syscall::CALL), 5 => -11i64..0],
        prop_oneof![5 => 0..SLOTS, 2 => Just(SLOTS + slot::CNODE)],
        0..SLOTS,
        any_label(),
        prop::collection::vec(any_word(), 0..10),
        prop::collection::vec(0..SLOTS, 0..4),
        prop_oneof![3 => Just(0u64), 1 => 1u64..3000],
        prop_oneof![5 => Just(0u32), 1 => 1u32..4],
        0u8..12,
    )
        .prop_map(
            |(number, cptr, reply, label, words, caps, advance_us, interrupt_after, event)| {
                RandomCall {
                    number,
                    cptr,
                    reply,
                    label,
                    words,
                    caps,
                    advance_us,
                    interrupt_after,
                    event,
                }
            },
        )
}

/// A world whose first free slots hold objects of most types, and threads that share the root's spaces.
fn populated() -> (World, u64) {
    let world = World::new();
    let base = world.make_many(ObjectType::Endpoint, 0, 2);
    world.make_many(ObjectType::Notification, 0, 2);
    world.make_many(ObjectType::Reply, 0, 3);
    world.make_many(ObjectType::CNode, 2, 2);
    world.make(ObjectType::Untyped, 13);
    world.make(ObjectType::Untyped, 16);
    for object in [
        ObjectType::Pml4,
        ObjectType::Pdpt,
        ObjectType::PageDirectory,
        ObjectType::PageTable,
        ObjectType::NestedRoot,
        ObjectType::NestedTable,
        ObjectType::VCpu,
    ] {
        world.make(object, 0);
    }
    world.mint(base, CapRights::READ_WRITE, 3);
    world.mint(base, CapRights::ALL, 5);
    for priority in [200, 100] {
        world.new_thread(priority);
    }
    world.new_passive(255);
    world.set_root_priority(150);
    (world, base)
}

/// The address of what a random number names: a populated slot, or one of the root server's own.
fn address(base: u64, number: u64) -> u64 {
    match number.checked_sub(SLOTS) {
        Some(own) => own,
        None => base + number,
    }
}

fn perform(world: &World, base: u64, call: &RandomCall) {
    world.advance_us(call.advance_us);
    let machine = world.kernel.machine();
    machine.looks_until_interrupt.set(call.interrupt_after);
    let Some(current) = world.kernel.current() else {
        world.kernel.handle_timer();
        return;
    };
    if world.state(current) == crate::ThreadState::RunningGuest {
        world.kernel.handle_guest_exit(u64::from(call.event), 0, 0);
        return;
    }
    match call.event {
        0 => drop(world.kernel.handle_timer()),
        1 => drop(world.kernel.handle_page_fault(0x1000, 4)),
        2 => drop(world.kernel.handle_interrupt(20)),
        _ => {
            let root = slot::CNODE;
            let mut caps: Vec<u64> = call.caps.iter().map(|cap| address(base, *cap)).collect();
            // Most operations with capabilities want a CNode.
            if let Some(first) = caps.first_mut()
                && call.event.is_multiple_of(2)
            {
                *first = root;
            }
            if world
                .kernel
                .buffer(current, crate::message::BufferUse::Write)
                .is_none()
            {
                caps.clear();
            }
            let words: Vec<u64> = call
                .words
                .iter()
                .map(|word| {
                    if *word < SLOTS && call.event > 6 {
                        base + word
                    } else {
                        *word
                    }
                })
                .collect();
            world.set_message(current, call.label, &words, &caps);
            let reply = address(base, call.reply);
            world.receive(call.number, address(base, call.cptr), reply);
        }
    }
    machine.looks_until_interrupt.set(0);
}

/// No capability to a frame has more rights than its memory's first capability could give.
fn check_frames(world: &World) {
    for at in invariants::reachable_slots(world) {
        if let Capability::Frame(frame) = world.kernel.slot(at).capability() {
            assert!(!frame.device || frame.rights <= FrameRights::ReadWrite);
            let start = world.kernel.machine().kernel_address(frame.start);
            assert!(start.is_multiple_of(frame.size.bytes()));
        }
    }
}

/// Deletions that an interrupt stopped are finished by whoever invokes a kernel object next.
fn settle(world: &World) {
    while world.kernel.is_deleting() {
        assert!(world.kernel.finish_deletions().is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn random_calls_keep_the_invariants(calls in prop::collection::vec(any_call(), 1..60)) {
        let (world, base) = populated();
        for group in calls.chunks(6) {
            for call in group {
                perform(&world, base, call);
            }
            settle(&world);
            invariants::check(&world);
            invariants::check_objects(&world);
            check_frames(&world);
        }
    }

    /// The fast paths do what the general code does.
    #[test]
    fn fast_paths_change_nothing_but_speed(words in 0usize..5, above in any::<bool>(), badge in any::<u64>()) {
        let results = [true, false].map(|fast| message_exchange(fast, words, above, badge));
        prop_assert_eq!(&results[0], &results[1]);
    }
}

/// A call to a passive server and its answer, by the fast paths or the general code; what all see of it.
fn message_exchange(fast: bool, words: usize, above: bool, badge: u64) -> Vec<u64> {
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
    let enter = |number, cptr| {
        let current = world.kernel.current().expect("somebody runs");
        world.set_registers(current, number, cptr);
        let rip = crate::Register::Rip;
        let context = &world.kernel.tcb(current).context;
        context.set(rip, context.get(rip) + 2);
        if fast {
            let next = world.kernel.fast_message().map(Resume::User);
            next.expect("fit for the fast path")
        } else {
            world.kernel.handle_any_system_call()
        }
    };
    let mut seen = Vec::new();
    for round in 0..2 {
        let message: Vec<u64> = (round..).take(words).collect();
        world.set_message(world.root, 9, &message, &[]);
        enter(syscall::CALL, badged);
        assert!(world.is_current(server.thread));
        observe(&world, &[world.root, server.thread], &mut seen);
        world.set_message(server.thread, 7, &message, &[]);
        let context = &world.kernel.tcb(server.thread).context;
        context.set(crate::message::REPLY_REGISTER, reply);
        enter(syscall::REPLY_RECV, endpoint);
        assert!(world.is_current(world.root));
        observe(&world, &[world.root, server.thread], &mut seen);
        invariants::check(&world);
        invariants::check_objects(&world);
    }
    let events = world.kernel.machine().take_events();
    let switches = events
        .iter()
        .filter(|event| matches!(event, Event::Activate(Some(_))));
    seen.push(switches.count() as u64);
    seen
}

/// Notes what is visible of threads.
fn observe(world: &World, threads: &[crate::TcbRef], seen: &mut Vec<u64>) {
    for thread in threads {
        let tcb = world.kernel.tcb(*thread);
        seen.extend(tcb.context.registers.iter().map(core::cell::Cell::get));
        seen.extend([
            tcb.state.get() as u64,
            tcb.fault_address.get(),
            tcb.blocking_object.get(),
            u64::from(tcb.sched_context.get().is_some()),
            tcb.reply.get().map_or(0, crate::ReplyRef::address),
        ]);
    }
}
