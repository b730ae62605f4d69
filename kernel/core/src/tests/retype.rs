//! Untyped Retype: order of checks, the watermark, and what new memory holds.

use sel4_sys::object::ObjectType;
use sel4_sys::{Error, invocation as label, slot, syscall};

use super::invariants;
use super::world::{Answer, World};
use crate::Register;
use crate::capability::Capability;

fn retype(world: &World, untyped: u64, words: [u64; 6]) -> Answer {
    world.invoke(untyped, label::UNTYPED_RETYPE, &words, &[slot::CNODE])
}

const ENDPOINT: u64 = ObjectType::Endpoint as u64;

#[test]
fn makes_objects_in_consecutive_slots_and_memory() {
    let world = World::new();
    let first = world.make_many(ObjectType::Notification, 0, 3);
    let address = |slot| match world.capability(slot) {
        Capability::Notification(notification) => notification.object.address(),
        other => panic!("{other:?}"),
    };
    assert_eq!(address(first + 1) - address(first), 64);
    assert_eq!(address(first + 2) - address(first), 128);
    invariants::check(&world);
}

#[test]
fn checks_arguments_in_order() {
    let world = World::new();
    let untyped = world.untyped(12);
    let to = world.fresh_slot();
    let truncated = world.invoke(untyped, label::UNTYPED_RETYPE, &[1; 5], &[slot::CNODE]);
    assert_eq!(truncated, Answer::error(Error::TruncatedMessage, &[]));
    let no_root = world.invoke(untyped, label::UNTYPED_RETYPE, &[1; 6], &[]);
    assert_eq!(no_root, Answer::error(Error::TruncatedMessage, &[]));
    let answer = |words| retype(&world, untyped, words);
    assert_eq!(
        answer([14, 0, 0, 0, to, 1]),
        Answer::error(Error::InvalidArgument, &[0])
    );
    assert_eq!(
        answer([0, 64, 0, 0, to, 1]),
        Answer::error(Error::RangeError, &[0, 47])
    );
    assert_eq!(
        answer([0, 48, 0, 0, to, 1]),
        Answer::error(Error::RangeError, &[0, 47])
    );
    assert_eq!(
        answer([0, 3, 0, 0, to, 1]),
        Answer::error(Error::InvalidArgument, &[1])
    );
    assert_eq!(
        answer([4, 0, 0, 0, to, 1]),
        Answer::error(Error::InvalidArgument, &[1])
    );
    assert_eq!(
        answer([5, 6, 0, 0, to, 1]),
        Answer::error(Error::InvalidArgument, &[1])
    );
    assert_eq!(
        answer([ENDPOINT, 0, slot::TCB, 64, to, 1]),
        Answer::error(Error::FailedLookup, &[0, 2, 64])
    );
    assert_eq!(
        answer([ENDPOINT, 0, 0, 0, 8192, 1]),
        Answer::error(Error::RangeError, &[0, 8191])
    );
    assert_eq!(
        answer([ENDPOINT, 0, 0, 0, to, 0]),
        Answer::error(Error::RangeError, &[1, 256])
    );
    assert_eq!(
        answer([ENDPOINT, 0, 0, 0, to, 257]),
        Answer::error(Error::RangeError, &[1, 256])
    );
    assert_eq!(
        answer([ENDPOINT, 0, 0, 0, 8190, 3]),
        Answer::error(Error::RangeError, &[1, 2])
    );
    assert_eq!(
        answer([ENDPOINT, 0, 0, 0, slot::TCB, 1]),
        Answer::error(Error::DeleteFirst, &[])
    );
    assert_eq!(
        world.invoke(untyped, 2, &[], &[]),
        Answer::error(Error::IllegalOperation, &[])
    );
}

#[test]
fn the_watermark_rises_until_children_are_gone() {
    let world = World::new();
    let parent = world.make(ObjectType::Untyped, 12);
    let to = world.fresh_slot();
    let one = |size, at| retype(&world, parent, [0, size, 0, 0, at, 1]);
    assert_eq!(one(4, to), Answer::ok());
    // The next object of 2 KiB begins at the next multiple of 2 KiB.
    let second = world.fresh_slot();
    assert_eq!(one(11, second), Answer::ok());
    let third = world.fresh_slot();
    assert_eq!(one(4, third), Answer::error(Error::NotEnoughMemory, &[0]));
    world.delete(to);
    assert_eq!(one(4, third), Answer::error(Error::NotEnoughMemory, &[0]));
    world.delete(second);
    assert_eq!(one(12, third), Answer::ok());
    invariants::check(&world);
}

#[test]
fn frames_are_zeroed_when_made_again() {
    let world = World::new();
    let untyped = world.make(ObjectType::Untyped, 12);
    let frame = world.fresh_slot();
    let page = ObjectType::Page as u64;
    assert_eq!(
        retype(&world, untyped, [page, 0, 0, 0, frame, 1]),
        Answer::ok()
    );
    let Capability::Frame(memory) = world.capability(frame) else {
        panic!("no frame");
    };
    world.kernel.machine().set_word(memory.start.0 + 8, 0xdead);
    world.revoke(untyped);
    assert_eq!(
        retype(&world, untyped, [page, 0, 0, 0, frame, 1]),
        Answer::ok()
    );
    assert_eq!(world.kernel.machine().word(memory.start.0 + 8), 0);
}

/// The physical address of the untyped memory in a slot.
fn start(world: &World, slot: u64) -> u64 {
    match world.capability(slot) {
        Capability::Untyped(untyped) => untyped.start.0,
        other => panic!("{other:?}"),
    }
}

/// A Retype into one frame during which the first look for interrupts finds one.
fn interrupted_retype(world: &World, untyped: u64, words: [u64; 6]) {
    world.set_message(world.root, label::UNTYPED_RETYPE, &words, &[slot::CNODE]);
    world.set_registers(world.root, syscall::CALL, untyped);
    let context = &world.kernel.tcb(world.root).context;
    context.set(Register::Rip, context.get(Register::Rip) + 2);
    world.kernel.machine().looks_until_interrupt.set(1);
    world.kernel.handle_system_call();
    invariants::check(world);
}

#[test]
fn memory_is_zeroed_one_step_ahead() {
    let world = World::new();
    let untyped = world.make(ObjectType::Untyped, 16);
    let machine = world.kernel.machine();
    let start = start(&world, untyped);
    for at in (0..65536).step_by(4096) {
        machine.set_word(start + at, 0xdead);
    }
    let page = |slot| [ObjectType::Page as u64, 0, 0, 0, slot, 1];
    for made in 1..=16 {
        let frame = world.fresh_slot();
        assert_eq!(retype(&world, untyped, page(frame)), Answer::ok());
        let zeroed = (0..65536).step_by(4096).map(|at| machine.word(start + at));
        let zeroed = zeroed.take_while(|word| *word == 0).count();
        assert_eq!(zeroed, usize::next_multiple_of(made, 4));
        invariants::check(&world);
    }
}

#[test]
fn small_objects_between_untypeds_find_zeroes() {
    let world = World::new();
    let untyped = world.make(ObjectType::Untyped, 14);
    let machine = world.kernel.machine();
    let start = start(&world, untyped);
    let one = |object: ObjectType, bits| {
        let to = world.fresh_slot();
        let words = [object as u64, bits, 0, 0, to, 1];
        assert_eq!(retype(&world, untyped, words), Answer::ok());
        invariants::check(&world);
        to
    };
    for _ in 0..2 {
        for at in (0..16384).step_by(8) {
            machine.set_word(start + at, 0xdead);
        }
        one(ObjectType::Untyped, 12);
        one(ObjectType::Page, 0);
        // The part between the child and the page was nobody's, and stays so.
        assert_eq!(machine.word(start), 0xdead);
        assert_eq!(machine.word(start + 4096), 0);
        one(ObjectType::Untyped, 4);
        one(ObjectType::Page, 0);
        assert_eq!(machine.word(start + 12288), 0);
        world.revoke(untyped);
    }
}

#[test]
fn zeroing_is_interrupted_and_goes_on() {
    let world = World::new();
    let untyped = world.untyped(22);
    let to = world.fresh_slot();
    world.kernel.machine().looks_until_interrupt.set(3);
    let large = ObjectType::LargePage as u64;
    assert_eq!(
        retype(&world, untyped, [large, 0, 0, 0, to, 1]),
        Answer::ok()
    );
    assert_eq!(world.kernel.machine().looks_until_interrupt.get(), 0);
    assert!(matches!(world.capability(to), Capability::Frame(_)));
}

#[test]
fn retypes_that_interrupt_each_other_come_to_their_ends() {
    let world = World::new();
    let machine = world.kernel.machine();
    let memory = [(); 2].map(|()| world.make(ObjectType::Untyped, 21));
    let frames = memory.map(|_| world.fresh_slot());
    for untyped in memory {
        machine.set_word(start(&world, untyped) + (1 << 21) - 8, 0xdead);
    }
    let is_made = |frame| world.capability(frame) != Capability::Null;
    let calls = (0..1000).find(|_| {
        for (untyped, frame) in memory.into_iter().zip(frames) {
            if !is_made(frame) {
                let words = [ObjectType::LargePage as u64, 0, 0, 0, frame, 1];
                interrupted_retype(&world, untyped, words);
            }
        }
        frames.iter().all(|frame| is_made(*frame))
    });
    assert!(calls.is_some_and(|calls| calls > 10), "{calls:?}");
    for untyped in memory {
        assert!(machine.is_zeroed(start(&world, untyped), 1 << 21));
    }
}

#[test]
fn memory_of_which_an_interrupted_retype_was_is_whole() {
    let world = World::new();
    let machine = world.kernel.machine();
    let untyped = world.make(ObjectType::Untyped, 21);
    let large = world.fresh_slot();
    let words = [ObjectType::LargePage as u64, 0, 0, 0, large, 1];
    interrupted_retype(&world, untyped, words);
    assert_eq!(world.capability(large), Capability::Null);
    // Not made again: something else is made of the memory, used, and made again.
    let frame = world.fresh_slot();
    let page = [ObjectType::Page as u64, 0, 0, 0, frame, 1];
    assert_eq!(retype(&world, untyped, page), Answer::ok());
    machine.set_word(start(&world, untyped), 0xdead);
    world.revoke(untyped);
    assert_eq!(retype(&world, untyped, words), Answer::ok());
    assert!(machine.is_zeroed(start(&world, untyped), 1 << 21));
    invariants::check(&world);
}

#[test]
fn device_memory_becomes_frames_and_untypeds_only() {
    let world = World::new();
    let device = world.device_untyped();
    let to = world.fresh_slot();
    assert_eq!(
        retype(&world, device, [ENDPOINT, 0, 0, 0, to, 1]),
        Answer::error(Error::InvalidArgument, &[1])
    );
    let Capability::Untyped(untyped) = world.capability(device) else {
        panic!("no untyped");
    };
    world.kernel.machine().set_word(untyped.start.0, 7);
    let page = ObjectType::Page as u64;
    assert_eq!(retype(&world, device, [page, 0, 0, 0, to, 1]), Answer::ok());
    assert!(matches!(world.capability(to), Capability::Frame(frame) if frame.device));
    assert_eq!(
        world.kernel.machine().word(untyped.start.0),
        7,
        "contents are kept"
    );
}
