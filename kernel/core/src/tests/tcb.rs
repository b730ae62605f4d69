//! Thread operations.

use std::string::String;

use sel4_sys::object::ObjectType;
use sel4_sys::{CNodeCapData, Error, invocation as label, slot, syscall};

use super::invariants;
use super::world::{Answer, World};
use crate::Store;
use crate::address::TcbSlot;
use crate::capability::Capability;
use crate::message::BufferUse;
use crate::object::{Register, ThreadState};

#[test]
fn registers_are_written_and_read_in_the_interfaces_order() {
    let world = World::new();
    let thread = world.new_passive(10);
    let mut words = std::vec![0, 20];
    words.extend(1..=20);
    world.expect(thread.slot, label::TCB_WRITE_REGISTERS, &words, &[]);
    let answer = world.invoke(thread.slot, label::TCB_READ_REGISTERS, &[0, 20], &[]);
    let expected: std::vec::Vec<u64> = (1..=20).collect();
    assert_eq!(answer.words[0], 1);
    assert_eq!(answer.words[1], 2);
    assert_eq!(answer.words[2] & 0x202, 0x202);
    assert_eq!(answer.words[3..], expected[3..]);
    let context = &world.kernel.tcb(thread.thread).context;
    assert_eq!(context.get(Register::GsBase), 20);
    assert_eq!(context.get(Register::Rip), 1);
}

#[test]
fn register_operations_check_their_arguments() {
    let world = World::new();
    let thread = world.new_passive(10);
    let read = |slot, count| world.invoke(slot, label::TCB_READ_REGISTERS, &[0, count], &[]);
    assert_eq!(
        read(thread.slot, 0),
        Answer::error(Error::RangeError, &[1, 20])
    );
    assert_eq!(
        read(thread.slot, 21),
        Answer::error(Error::RangeError, &[1, 20])
    );
    assert_eq!(
        read(slot::TCB, 20),
        Answer::error(Error::IllegalOperation, &[])
    );
    let short = world.invoke(thread.slot, label::TCB_WRITE_REGISTERS, &[0, 3, 1, 2], &[]);
    assert_eq!(short, Answer::error(Error::TruncatedMessage, &[]));
    let copy = world.invoke(thread.slot, label::TCB_COPY_REGISTERS, &[0], &[slot::CNODE]);
    assert_eq!(copy, Answer::error(Error::InvalidCapability, &[1]));
}

#[test]
fn wild_addresses_in_registers_are_tamed() {
    let world = World::new();
    let thread = world.new_passive(10);
    let mut words = std::vec![0, 20];
    words.extend([0x8000_0000_0000_0000; 20]);
    world.expect(thread.slot, label::TCB_WRITE_REGISTERS, &words, &[]);
    let context = &world.kernel.tcb(thread.thread).context;
    for register in [Register::Rip, Register::FsBase, Register::GsBase] {
        assert_eq!(context.get(register), 0x7fff_ffff_ffff);
    }
}

#[test]
fn priorities_are_bounded_by_the_authority() {
    let world = World::new();
    let boss = world.new_passive(10);
    world.expect(boss.slot, label::TCB_SET_MC_PRIORITY, &[50], &[slot::TCB]);
    let thread = world.new_passive(10);
    let set = |priority| {
        world.invoke(
            thread.slot,
            label::TCB_SET_PRIORITY,
            &[priority],
            &[boss.slot],
        )
    };
    assert_eq!(set(51), Answer::error(Error::RangeError, &[0, 50]));
    assert_eq!(set(1 << 40), Answer::error(Error::RangeError, &[0, 50]));
    assert_eq!(set(50), Answer::ok());
    assert_eq!(
        world.invoke(thread.slot, label::TCB_SET_PRIORITY, &[1], &[slot::CNODE]),
        Answer::error(Error::InvalidCapability, &[1])
    );
}

#[test]
fn spaces_must_be_what_they_seem() {
    let world = World::new();
    let thread = world.new_passive(10);
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let frame = world.make(ObjectType::Page, 0);
    let unassigned = world.make(ObjectType::Pml4, 0);
    let configure = |words: [u64; 3], caps: [u64; 3]| {
        world.invoke(thread.slot, label::TCB_CONFIGURE, &words, &caps)
    };
    let illegal = Answer::error(Error::IllegalOperation, &[]);
    let good = [slot::CNODE, slot::VSPACE, frame];
    assert_eq!(
        configure([0, 0, 0x1000], [endpoint, good[1], good[2]]),
        illegal
    );
    assert_eq!(
        configure([0, 0, 0x1000], [good[0], endpoint, good[2]]),
        illegal
    );
    assert_eq!(
        configure([0, 0, 0x1000], [good[0], unassigned, good[2]]),
        illegal
    );
    assert_eq!(
        configure([0, 0, 0x1000], [good[0], good[1], endpoint]),
        illegal
    );
    assert_eq!(
        configure([0, 0, 0x1008], good),
        Answer::error(Error::AlignmentError, &[])
    );
    // A guard that does not fit into 64 bits with the radix of 13.
    assert_eq!(
        configure([CNodeCapData::new(0, 52).0, 0, 0x1000], good),
        illegal
    );
    let guard = CNodeCapData::new(0, 51).0;
    assert_eq!(configure([guard, 0, 0x1000], good), Answer::ok());
    let own = world
        .kernel
        .slot(thread.thread.slot(TcbSlot::CSpace))
        .capability();
    assert!(matches!(own, Capability::CNode(cnode) if cnode.guard_size == 51));
    invariants::check(&world);
}

#[test]
fn suspend_and_resume() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    world.set_root_priority(100);
    let thread = world.new_thread(200);
    let here = world.kernel.tcb(thread.thread).context.get(Register::Rip);
    world.send(syscall::SEND, endpoint, &[1]);
    assert_eq!(world.state(thread.thread), ThreadState::BlockedOnSend);
    world.expect(thread.slot, label::TCB_SUSPEND, &[], &[]);
    assert_eq!(world.state(thread.thread), ThreadState::Inactive);
    world.expect_yielding(thread.slot, label::TCB_RESUME, &[], &[]);
    // The send is made again.
    assert!(world.is_current(thread.thread));
    assert_eq!(
        world.kernel.tcb(thread.thread).context.get(Register::Rip),
        here
    );
    invariants::check(&world);
}

#[test]
fn deleting_the_last_capability_stops_the_thread() {
    let world = World::new();
    let thread = world.new_thread(200);
    let copy = world.copy(thread.slot);
    world.delete(thread.slot);
    assert_eq!(world.state(thread.thread), ThreadState::Restart);
    world.delete(copy);
    assert_eq!(world.state(thread.thread), ThreadState::Inactive);
    invariants::check(&world);
}

#[test]
fn a_thread_may_delete_itself() {
    let world = World::new();
    let other = world.new_thread(10);
    world.set_message(world.root, label::CNODE_DELETE, &[slot::TCB, 64], &[]);
    world.system_call(syscall::CALL, slot::CNODE);
    assert!(world.is_current(other.thread));
    assert_eq!(world.state(world.root), ThreadState::Inactive);
}

#[test]
fn flags_are_set_and_told() {
    let world = World::new();
    let thread = world.new_passive(10);
    let flags = |clear, set| world.invoke(thread.slot, label::TCB_SET_FLAGS, &[clear, set], &[]);
    assert_eq!(flags(0, 7), Answer::of(0, &[1]));
    assert_eq!(flags(0, 0), Answer::of(0, &[1]));
    assert_eq!(flags(1, 0), Answer::of(0, &[0]));
}

#[test]
fn the_tls_base_is_set_both_ways() {
    let world = World::new();
    let thread = world.new_passive(10);
    world.expect(thread.slot, label::TCB_SET_TLS_BASE, &[0x1234], &[]);
    let base = |thread| world.kernel.tcb(thread).context.get(Register::FsBase);
    assert_eq!(base(thread.thread), 0x1234);
    world.system_call(syscall::SET_TLS_BASE, 0x5678);
    assert_eq!(base(world.root), 0x5678);
}

#[test]
fn the_debug_calls_answer() {
    let world = World::new();
    world.kernel.machine().take_events();
    world.system_call(syscall::DEBUG_PUT_CHAR, u64::from(b'x'));
    assert!(
        world
            .kernel
            .machine()
            .take_events()
            .contains(&super::host::Event::Printed(b'x'))
    );
    for (slot, tag) in [
        (slot::TCB, 12),
        (slot::CNODE, 10),
        (slot::VSPACE, 9),
        (12, 0),
    ] {
        world.system_call(syscall::DEBUG_CAP_IDENTIFY, slot);
        assert_eq!(world.badge(world.root), tag);
    }
}

/// What the kernel prints during a debug call.
fn printed(world: &World, number: i64, argument: u64) -> String {
    world.kernel.machine().take_events();
    world.system_call(number, argument);
    let events = world.kernel.machine().take_events();
    let bytes = events.into_iter().filter_map(|event| match event {
        super::host::Event::Printed(byte) => Some(char::from(byte)),
        _ => None,
    });
    bytes.collect()
}

/// Names a thread as libsel4 does: the text in the place of the message.
fn name(world: &World, slot: u64, name: &[u8; 16]) {
    let buffer = world.kernel.buffer(world.root, BufferUse::Read);
    let buffer = buffer.expect("the root server has one");
    for (index, word) in (1..).zip(name.chunks_exact(8)) {
        let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
        world.kernel.machine().store(buffer.word(index), word);
    }
    world.system_call(syscall::DEBUG_NAME_THREAD, slot);
}

#[test]
fn names_are_shown_in_dumps_and_with_faults() {
    let world = World::new();
    let (thread, other) = (world.new_thread(50), world.new_passive(60));
    name(&world, slot::TCB, b"root\0\0\0\0\0\0\0\0\0\0\0\0");
    name(&world, thread.slot, b"worker of mine\0\0");
    // No thread, no name.
    name(&world, slot::CNODE, b"nothing\0\0\0\0\0\0\0\0\0");
    let dump = printed(&world, syscall::DEBUG_DUMP_SCHEDULER, 0);
    let line = |name| dump.lines().find(|line| line.contains(name));
    assert!(line(" root ").expect("is there").contains("Running"));
    assert!(line("worker of mine").expect("is there").ends_with("50"));
    assert!(line("without name").expect("is there").contains("Inactive"));
    assert_eq!(dump.lines().count(), 4, "{dump}");
    world.delete(other.slot);
    let dump = printed(&world, syscall::DEBUG_DUMP_SCHEDULER, 0);
    assert_eq!(dump.lines().count(), 3, "{dump}");
    let snapshot = printed(&world, syscall::DEBUG_SNAPSHOT, 0);
    assert!(snapshot.starts_with("root: slot"));
    assert!(snapshot.lines().any(|line| line.starts_with("2 10 [")));
    // The root server has no fault handler.
    let fault = printed(&world, syscall::SEND, 1 << 40);
    assert!(fault.starts_with("thread root stops at 0x"), "{fault}");
}

#[test]
fn four_words_travel_in_registers() {
    let world = World::new();
    world.set_message(world.root, 0, &[1, 2, 3, 4], &[]);
    assert_eq!(world.registers(world.root), [1, 2, 3, 4]);
}
