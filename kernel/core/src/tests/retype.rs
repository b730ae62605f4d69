//! Untyped Retype: order of checks, the watermark, and what new memory holds.

use sel4_sys::object::ObjectType;
use sel4_sys::{Error, invocation as label, slot};

use super::invariants;
use super::world::{Answer, World};
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
