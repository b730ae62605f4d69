//! Random system calls: whatever threads ask for, the kernel's state stays whole.
//!
//! The calls are chosen so that many of them succeed: capabilities come from a small range of slots that
//! holds objects of most types, and labels, sizes and depths are mostly sensible.

use std::vec::Vec;

use proptest::prelude::*;
use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, invocation as label, slot, syscall};

use super::invariants;
use super::world::World;
use crate::Store as _;
use crate::capability::{Capability, FrameRights};

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
}
