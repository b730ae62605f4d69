//! CNode operations, derivation and deletion.

use sel4_sys::object::ObjectType;
use sel4_sys::{CNodeCapData, CapRights, Error, invocation as label, slot};

use super::invariants;
use super::world::{Answer, World};
use crate::capability::Capability;

fn endpoint_badge(world: &World, slot: u64) -> u64 {
    match world.capability(slot) {
        Capability::Endpoint(endpoint) => endpoint.badge,
        other => panic!("{other:?}"),
    }
}

#[test]
fn copies_have_no_more_rights() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let send_only = world.mint(endpoint, CapRights::WRITE, 0);
    let again = world.mint(send_only, CapRights::ALL, 0);
    for slot in [send_only, again] {
        assert!(
            matches!(world.capability(slot), Capability::Endpoint(endpoint)
            if endpoint.rights == CapRights::from_word(1))
        );
    }
}

#[test]
fn badges_are_given_once() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let badged = world.mint(endpoint, CapRights::ALL, 5);
    assert_eq!(endpoint_badge(&world, badged), 5);
    let to = world.fresh_slot();
    let words = [to, 64, badged, 64, 15, 6];
    assert_eq!(
        world.invoke(slot::CNODE, label::CNODE_MINT, &words, &[slot::CNODE]),
        Answer::error(Error::IllegalOperation, &[])
    );
}

#[test]
fn revoking_an_original_takes_all_copies() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let first = world.mint(endpoint, CapRights::ALL, 5);
    let copy_of_first = world.copy(first);
    let second = world.mint(endpoint, CapRights::ALL, 6);
    invariants::check(&world);
    world.revoke(first);
    assert_eq!(world.capability(copy_of_first), Capability::Null);
    assert_eq!(endpoint_badge(&world, first), 5);
    assert_eq!(endpoint_badge(&world, second), 6);
    // A copy is nobody's parent.
    let copy = world.copy(second);
    let copy_of_copy = world.copy(copy);
    world.revoke(copy);
    assert_eq!(endpoint_badge(&world, copy_of_copy), 6);
    world.revoke(endpoint);
    for slot in [first, second, copy, copy_of_copy] {
        assert_eq!(world.capability(slot), Capability::Null);
    }
    invariants::check(&world);
}

#[test]
fn a_second_original_with_the_same_badge_is_no_child() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let first = world.mint(endpoint, CapRights::ALL, 5);
    let second = world.mint(endpoint, CapRights::ALL, 5);
    world.revoke(second);
    assert_eq!(endpoint_badge(&world, first), 5);
    world.revoke(first);
    assert_eq!(endpoint_badge(&world, second), 5);
}

#[test]
fn errors_name_the_lookup_that_failed() {
    let world = World::new();
    let to = world.fresh_slot();
    let copy =
        |words: [u64; 5]| world.invoke(slot::CNODE, label::CNODE_COPY, &words, &[slot::CNODE]);
    assert_eq!(
        copy([to, 0, 1, 64, 15]),
        Answer::error(Error::RangeError, &[1, 64])
    );
    assert_eq!(
        copy([to, 65, 1, 64, 15]),
        Answer::error(Error::RangeError, &[1, 64])
    );
    assert_eq!(
        copy([to, 64, 12, 64, 15]),
        Answer::error(Error::FailedLookup, &[1, 2, 64])
    );
    assert_eq!(
        copy([slot::TCB, 64, 1, 64, 15]),
        Answer::error(Error::DeleteFirst, &[])
    );
    // The guard of 51 zero bits does not fit into 13 bits.
    assert_eq!(
        copy([to, 13, 1, 64, 15]),
        Answer::error(Error::FailedLookup, &[0, 4, 13, 0, 51])
    );
    assert_eq!(
        copy([1 << 20, 64, 1, 64, 15]),
        Answer::error(Error::FailedLookup, &[0, 4, 64, 0, 51])
    );
    assert_eq!(
        world.invoke(
            slot::CNODE,
            label::CNODE_COPY,
            &[to, 64, 1, 64, 15],
            &[slot::TCB]
        ),
        Answer::error(Error::FailedLookup, &[1, 1])
    );
    assert_eq!(
        world.invoke(slot::CNODE, label::TCB_RESUME, &[], &[]),
        Answer::error(Error::IllegalOperation, &[])
    );
    assert_eq!(
        world.invoke(to, label::CNODE_COPY, &[], &[]),
        Answer::error(Error::InvalidCapability, &[0])
    );
}

#[test]
fn some_capabilities_cannot_be_copied() {
    let world = World::new();
    let to = world.fresh_slot();
    let copy = |from| {
        let words = [to, 64, from, 64, 15];
        world.invoke(slot::CNODE, label::CNODE_COPY, &words, &[slot::CNODE])
    };
    let illegal = Answer::error(Error::IllegalOperation, &[]);
    assert_eq!(copy(slot::IRQ_CONTROL), illegal);
    assert_eq!(copy(slot::IO_PORT_CONTROL), illegal);
    assert_eq!(copy(world.make(ObjectType::PageTable, 0)), illegal);
    assert_eq!(copy(world.make(ObjectType::Pml4, 0)), illegal);
    let untyped = world.make(ObjectType::Untyped, 13);
    let child = world.fresh_slot();
    let words = [0, 12, 0, 0, child, 1];
    world.expect(untyped, label::UNTYPED_RETYPE, &words, &[slot::CNODE]);
    assert_eq!(copy(untyped), Answer::error(Error::RevokeFirst, &[]));
    world.delete(child);
    assert_eq!(copy(untyped), Answer::ok());
    assert!(
        matches!(world.capability(untyped), Capability::Untyped(parent)
        if parent.used == parent.size())
    );
}

#[test]
fn move_mutate_and_rotate_keep_the_tree() {
    let world = World::new();
    let cnode = world.make(ObjectType::CNode, 4);
    let copy = world.copy(cnode);
    let to = world.fresh_slot();
    let guard = CNodeCapData::new(5, 8).0;
    let words = [to, 64, cnode, 64, guard];
    world.expect(slot::CNODE, label::CNODE_MUTATE, &words, &[slot::CNODE]);
    assert_eq!(world.capability(cnode), Capability::Null);
    assert!(matches!(world.capability(to), Capability::CNode(cnode)
        if cnode.guard == 5 && cnode.guard_size == 8));
    invariants::check(&world);
    // Still the original: revoking it takes the copy.
    let rotate = |words: [u64; 8]| {
        let caps = [slot::CNODE, slot::CNODE];
        world.invoke(slot::CNODE, label::CNODE_ROTATE, &words, &caps)
    };
    // The guard of a CNode capability is set anew by rotation.
    assert_eq!(
        rotate([copy, 64, guard, to, 64, guard, copy, 64]),
        Answer::ok()
    );
    invariants::check(&world);
    world.revoke(copy);
    assert_eq!(world.capability(to), Capability::Null);
    assert!(matches!(world.capability(copy), Capability::CNode(_)));
    let free = world.fresh_slot();
    assert_eq!(
        rotate([free, 64, 0, copy, 64, 0, copy, 64]),
        Answer::error(Error::IllegalOperation, &[])
    );
    assert_eq!(
        rotate([free, 64, 0, to, 64, 0, copy, 64]),
        Answer::error(Error::FailedLookup, &[0, 2, 64])
    );
    let other = world.make(ObjectType::Tcb, 0);
    assert_eq!(rotate([free, 64, 0, other, 64, 0, copy, 64]), Answer::ok());
    assert!(matches!(world.capability(free), Capability::Thread(_)));
    assert!(matches!(world.capability(other), Capability::CNode(_)));
    invariants::check(&world);
}

#[test]
fn swapping_neighbours_in_the_list_keeps_it_whole() {
    let world = World::new();
    let first = world.make(ObjectType::Tcb, 0);
    let second = world.copy(first);
    let words = [first, 64, 0, second, 64, 0, first, 64];
    let caps = [slot::CNODE, slot::CNODE];
    world.expect(slot::CNODE, label::CNODE_ROTATE, &words, &caps);
    invariants::check(&world);
    world.expect(slot::CNODE, label::CNODE_ROTATE, &words, &caps);
    invariants::check(&world);
    world.revoke(first);
    assert_eq!(world.capability(second), Capability::Null);
}

/// A CNode whose slots hold further CNodes, three deep, with an endpoint at the bottom.
fn nest(world: &World) -> [u64; 3] {
    let outer = world.make(ObjectType::CNode, 2);
    let middle = world.make(ObjectType::CNode, 2);
    let inner = world.make(ObjectType::CNode, 2);
    let tcb = world.make(ObjectType::Tcb, 0);
    for (node, from) in [(inner, tcb), (middle, inner), (outer, middle)] {
        let words = [1, 2, from, 64];
        world.expect(node, label::CNODE_MOVE, &words, &[slot::CNODE]);
    }
    [outer, middle, inner]
}

#[test]
fn deleting_a_cnode_deletes_what_is_inside_to_any_depth() {
    let world = World::new();
    let [outer, ..] = nest(&world);
    invariants::check(&world);
    world.kernel.machine().looks_until_interrupt.set(1);
    world.delete(outer);
    assert_eq!(world.capability(outer), Capability::Null);
    invariants::check(&world);
}

#[test]
fn interrupted_deletions_are_finished_before_memory_is_used_again() {
    for looks in 1..4 {
        let world = World::new();
        let untyped = world.make(ObjectType::Untyped, 14);
        let cnode = world.fresh_slot();
        let words = [ObjectType::CNode as u64, 7, 0, 0, cnode, 1];
        world.expect(untyped, label::UNTYPED_RETYPE, &words, &[slot::CNODE]);
        for index in 0..128 {
            let words = [index, 7, slot::TCB, 64, 15];
            world.expect(cnode, label::CNODE_COPY, &words, &[slot::CNODE]);
        }
        world.kernel.machine().looks_until_interrupt.set(looks);
        world.delete(cnode);
        world.expect(
            untyped,
            label::UNTYPED_RETYPE,
            &[0, 14, 0, 0, cnode, 1],
            &[slot::CNODE],
        );
        invariants::check(&world);
    }
}

#[test]
fn a_cnode_that_holds_itself_can_be_revoked() {
    let world = World::new();
    let untyped = world.make(ObjectType::Untyped, 8);
    let cnode = world.fresh_slot();
    let words = [ObjectType::CNode as u64, 3, 0, 0, cnode, 1];
    world.expect(untyped, label::UNTYPED_RETYPE, &words, &[slot::CNODE]);
    world.expect(cnode, label::CNODE_MOVE, &[2, 3, cnode, 64], &[slot::CNODE]);
    world.revoke(untyped);
    let words = [0, 8, 0, 0, cnode, 1];
    world.expect(untyped, label::UNTYPED_RETYPE, &words, &[slot::CNODE]);
    invariants::check(&world);
}

#[test]
fn cancel_badged_sends_needs_all_rights() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let badged = world.mint(endpoint, CapRights::ALL, 9);
    let weak = world.mint(endpoint, CapRights::READ_WRITE, 9);
    let cancel = |slot| {
        world.invoke(
            slot::CNODE,
            label::CNODE_CANCEL_BADGED_SENDS,
            &[slot, 64],
            &[],
        )
    };
    assert_eq!(cancel(badged), Answer::ok());
    assert_eq!(cancel(weak), Answer::error(Error::IllegalOperation, &[]));
    assert_eq!(
        cancel(slot::TCB),
        Answer::error(Error::IllegalOperation, &[])
    );
}

#[test]
fn copies_stay_apart_from_another_first_of_their_badge() {
    let world = World::new();
    let endpoint = world.make(ObjectType::Endpoint, 0);
    let gone = world.mint(endpoint, CapRights::ALL, 5);
    let orphan = world.copy(gone);
    let other = world.mint(endpoint, CapRights::ALL, 5);
    world.copy(other);
    world.delete(gone);
    world.revoke(other);
    assert_eq!(endpoint_badge(&world, orphan), 5);
}
