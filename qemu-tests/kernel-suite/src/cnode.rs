//! CNode operations.

use kernel_calls::{
    debug_cap_identify,
    invoke::{self, SlotPath},
};
use sel4_sys::error::Error::{
    DeleteFirst, FailedLookup, IllegalOperation, InvalidCapability, RangeError, TruncatedMessage,
};
use sel4_sys::invocation as label;
use sel4_sys::object::ObjectType::{CNode, Page, PageTable, Pml4};
use sel4_sys::{CNodeCapData, CapRights, Error, slot};
use test_support::resources::path;
use test_support::{Outcome, Test, Tester, ensure, equal, refused};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "cnode-copy-0001",
        rule: "a copy names the same object, and both stay",
        run: copy,
    },
    Test {
        id: "cnode-copy-0002",
        rule: "copying into a slot in use is DeleteFirst",
        run: copy_into_used,
    },
    Test {
        id: "cnode-copy-0003",
        rule: "copying from an empty slot is FailedLookup",
        run: copy_from_empty,
    },
    Test {
        id: "cnode-copy-0004",
        rule: "IRQControl cannot be copied, an address space and a page table only once they are in use",
        run: copy_underivable,
    },
    Test {
        id: "cnode-mint-0001",
        rule: "an endpoint gets a badge once: a badged capability takes no other",
        run: badge_once,
    },
    Test {
        id: "cnode-mint-0002",
        rule: "a guard that does not fit the bits is refused",
        run: guard_too_long,
    },
    Test {
        id: "cnode-move-0001",
        rule: "a move empties the source and keeps the object",
        run: move_capability,
    },
    Test {
        id: "cnode-move-0002",
        rule: "a move keeps the place in the derivation tree",
        run: move_keeps_derivation,
    },
    Test {
        id: "cnode-mutate-0001",
        rule: "a mutate sets a CNode's guard; endpoints cannot be mutated",
        run: mutate,
    },
    Test {
        id: "cnode-rotate-0001",
        rule: "a rotate moves source to pivot and pivot to destination",
        run: rotate,
    },
    Test {
        id: "cnode-rotate-0002",
        rule: "a rotate with source as destination swaps with the pivot",
        run: rotate_swaps,
    },
    Test {
        id: "cnode-rotate-0003",
        rule: "a rotate with the pivot as source or destination is IllegalOperation",
        run: rotate_same,
    },
    Test {
        id: "cnode-rotate-0004",
        rule: "a rotate needs a free destination and filled source and pivot",
        run: rotate_occupied,
    },
    Test {
        id: "cnode-delete-0001",
        rule: "a delete empties the slot; deleting an empty slot does nothing",
        run: delete,
    },
    Test {
        id: "cnode-delete-0002",
        rule: "the last capability takes its object along; an earlier one does not",
        run: delete_not_last,
    },
    Test {
        id: "cnode-delete-0003",
        rule: "deleting a CNode that holds capabilities deletes those",
        run: delete_full_cnode,
    },
    Test {
        id: "cnode-delete-0004",
        rule: "CNodes that hold each other and themselves can be deleted",
        run: delete_cycle,
    },
    Test {
        id: "cnode-revoke-0001",
        rule: "a revoke deletes all copies derived from a capability and keeps it",
        run: revoke,
    },
    Test {
        id: "cnode-revoke-0002",
        rule: "a revoke of a badged endpoint deletes its copies and nothing else",
        run: revoke_badged,
    },
    Test {
        id: "cnode-revoke-0003",
        rule: "copies of an unbadged endpoint's badged capability are its siblings' business only",
        run: revoke_siblings,
    },
    Test {
        id: "cnode-lookup-0001",
        rule: "guards and depths are followed through two levels",
        run: two_levels,
    },
    Test {
        id: "cnode-lookup-0002",
        rule: "a wrong guard, too few and too many bits fail with the right description",
        run: lookup_failures,
    },
    Test {
        id: "cnode-lookup-0003",
        rule: "depths of 0 and above 64 are RangeError",
        run: depth_range,
    },
    Test {
        id: "cnode-label-0001",
        rule: "unknown labels are IllegalOperation, short messages TruncatedMessage",
        run: labels,
    },
    Test {
        id: "cnode-derive-0001",
        rule: "rights only shrink: a copy of a read-only frame cannot be mapped writable",
        run: rights_shrink,
    },
];

fn copy(t: &mut Tester) -> Outcome {
    let frame = t.frame()?;
    let copy = t.copy(frame, CapRights::ALL)?;
    equal("the copy's address", t.physical(copy)?, t.physical(frame)?)
}

fn copy_into_used(t: &mut Tester) -> Outcome {
    let (one, other) = (t.endpoint()?, t.endpoint()?);
    let all = CapRights::ALL;
    refused(
        "a used slot",
        invoke::cnode_copy(&t.ipc, path(other), path(one), all),
        DeleteFirst,
    )?;
    refused(
        "the slot itself",
        invoke::cnode_copy(&t.ipc, path(one), path(one), all),
        DeleteFirst,
    )?;
    refused(
        "a move",
        invoke::cnode_move(&t.ipc, path(other), path(one)),
        DeleteFirst,
    )
}

fn copy_from_empty(t: &mut Tester) -> Outcome {
    let (from, to) = (t.slot(), t.slot());
    let result = invoke::cnode_copy(&t.ipc, path(to), path(from), CapRights::ALL);
    refused("an empty slot", result, FailedLookup)?;
    equal("the side", t.ipc.word(0), 1)?;
    equal("the failure", t.ipc.word(1), 2)
}

fn copy_underivable(t: &mut Tester) -> Outcome {
    let all = CapRights::ALL;
    refused(
        "a copy of IRQControl",
        t.copy(slot::IRQ_CONTROL, all),
        IllegalOperation,
    )?;
    let space = t.make(Pml4, 0)?;
    refused(
        "a copy of a space without ASID",
        t.copy(space, all),
        IllegalOperation,
    )?;
    let table = t.make(PageTable, 0)?;
    refused(
        "a copy of an unmapped table",
        t.copy(table, all),
        IllegalOperation,
    )?;
    invoke::asid_pool_assign(&t.ipc, slot::ASID_POOL, space)?;
    t.copy(space, all)?;
    Ok(())
}

fn badge_once(t: &mut Tester) -> Outcome {
    let endpoint = t.endpoint()?;
    let badged = t.mint(endpoint, CapRights::ALL, 7)?;
    refused(
        "another badge",
        t.mint(badged, CapRights::ALL, 9),
        IllegalOperation,
    )?;
    t.copy(badged, CapRights::ALL)?;
    let notification = t.notification()?;
    let badged = t.mint(notification, CapRights::ALL, 1 << 63)?;
    refused(
        "another badge",
        t.mint(badged, CapRights::ALL, 1),
        IllegalOperation,
    )
}

fn guard_too_long(t: &mut Tester) -> Outcome {
    let node = t.make(CNode, 4)?;
    t.mint(node, CapRights::ALL, CNodeCapData::new(5, 60).0)?;
    refused(
        "a guard of 61 bits for 16 slots",
        t.mint(node, CapRights::ALL, CNodeCapData::new(0, 61).0),
        IllegalOperation,
    )
}

fn move_capability(t: &mut Tester) -> Outcome {
    let frame = t.frame()?;
    let address = t.physical(frame)?;
    let to = t.slot();
    invoke::cnode_move(&t.ipc, path(to), path(frame))?;
    equal("the tag left behind", debug_cap_identify(frame), 0)?;
    equal("the moved frame's address", t.physical(to)?, address)
}

fn move_keeps_derivation(t: &mut Tester) -> Outcome {
    let original = t.endpoint()?;
    let badged = t.mint(original, CapRights::ALL, 1)?;
    let copy = t.copy(badged, CapRights::ALL)?;
    let to = t.slot();
    invoke::cnode_move(&t.ipc, path(to), path(badged))?;
    t.revoke(original)?;
    ensure(t.is_empty(to)?, "the moved child survives")?;
    ensure(t.is_empty(copy)?, "the moved child's copy survives")?;
    ensure(!t.is_empty(original)?, "the original is gone")
}

fn mutate(t: &mut Tester) -> Outcome {
    let node = t.make(CNode, 4)?;
    let to = t.slot();
    invoke::cnode_mutate(&t.ipc, path(to), path(node), CNodeCapData::new(3, 2).0)?;
    ensure(t.is_empty(node)?, "the source stays")?;
    let inside = SlotPath {
        root: to,
        index: (3 << 4) | 9,
        depth: 6,
    };
    let endpoint = t.endpoint()?;
    invoke::cnode_copy(&t.ipc, inside, path(endpoint), CapRights::ALL)?;
    let to = t.slot();
    let result = invoke::cnode_mutate(&t.ipc, path(to), path(endpoint), 5);
    refused("mutating an endpoint", result, IllegalOperation)
}

/// `CNode_Rotate` in the first CNode: destination, pivot, source; no new badges.
fn rotate_slots(t: &Tester, to: u64, pivot: u64, from: u64) -> Result<(), Error> {
    let words = [to, 64, 0, pivot, 64, 0, from, 64];
    let caps = [slot::CNODE, slot::CNODE];
    t.ipc
        .invoke(slot::CNODE, label::CNODE_ROTATE, &words, &caps)
        .map(drop)
}

fn rotate(t: &mut Tester) -> Outcome {
    let (source, pivot, to) = (t.frame()?, t.frame()?, t.slot());
    let (a, b) = (t.physical(source)?, t.physical(pivot)?);
    rotate_slots(t, to, pivot, source)?;
    equal("the pivot's frame", t.physical(pivot)?, a)?;
    equal("the destination's frame", t.physical(to)?, b)?;
    ensure(t.is_empty(source)?, "the source stays")
}

fn rotate_swaps(t: &mut Tester) -> Outcome {
    let (source, pivot) = (t.frame()?, t.frame()?);
    let (a, b) = (t.physical(source)?, t.physical(pivot)?);
    rotate_slots(t, source, pivot, source)?;
    equal("the pivot's frame", t.physical(pivot)?, a)?;
    equal("the source's frame", t.physical(source)?, b)
}

fn rotate_same(t: &mut Tester) -> Outcome {
    let (source, pivot, to) = (t.endpoint()?, t.endpoint()?, t.slot());
    refused(
        "pivot = source",
        rotate_slots(t, to, source, source),
        IllegalOperation,
    )?;
    refused(
        "pivot = destination",
        rotate_slots(t, pivot, pivot, source),
        IllegalOperation,
    )
}

fn rotate_occupied(t: &mut Tester) -> Outcome {
    let (source, pivot, used) = (t.endpoint()?, t.endpoint()?, t.endpoint()?);
    let (empty, to) = (t.slot(), t.slot());
    refused(
        "a used destination",
        rotate_slots(t, used, pivot, source),
        DeleteFirst,
    )?;
    refused(
        "an empty source",
        rotate_slots(t, to, pivot, empty),
        FailedLookup,
    )?;
    refused(
        "an empty pivot",
        rotate_slots(t, to, empty, source),
        FailedLookup,
    )
}

fn delete(t: &mut Tester) -> Outcome {
    let endpoint = t.endpoint()?;
    t.delete(endpoint)?;
    equal("the tag after a delete", debug_cap_identify(endpoint), 0)?;
    t.delete(endpoint)?;
    Ok(())
}

fn delete_not_last(t: &mut Tester) -> Outcome {
    let source = t.untyped(12)?;
    let original = t.make_from(source, Page, 0)?;
    let copy = t.copy(original, CapRights::ALL)?;
    t.delete(original)?;
    t.physical(copy)?;
    let again = t.make_from(source, Page, 0);
    refused("memory that a copy uses", again, Error::NotEnoughMemory)?;
    t.delete(copy)?;
    t.make_from(source, Page, 0)?;
    Ok(())
}

fn delete_full_cnode(t: &mut Tester) -> Outcome {
    let source = t.untyped(14)?;
    let node = t.make(CNode, 6)?;
    let frame = t.make_from(source, Page, 0)?;
    for index in 0..64 {
        let inside = SlotPath {
            root: node,
            index,
            depth: 6,
        };
        invoke::cnode_copy(&t.ipc, inside, path(frame), CapRights::ALL)?;
    }
    t.delete(frame)?;
    t.delete(node)?;
    // All frame capabilities are gone: the memory is free.
    t.make_from(source, sel4_sys::object::ObjectType::Untyped, 14)?;
    Ok(())
}

fn delete_cycle(t: &mut Tester) -> Outcome {
    let source = t.untyped(16)?;
    let (one, other) = (
        t.make_from(source, CNode, 4)?,
        t.make_from(source, CNode, 4)?,
    );
    let inside = |root, index| SlotPath {
        root,
        index,
        depth: 4,
    };
    invoke::cnode_copy(&t.ipc, inside(one, 0), path(one), CapRights::ALL)?;
    invoke::cnode_copy(&t.ipc, inside(one, 1), path(other), CapRights::ALL)?;
    invoke::cnode_copy(&t.ipc, inside(other, 0), path(one), CapRights::ALL)?;
    invoke::cnode_copy(&t.ipc, inside(other, 1), path(other), CapRights::ALL)?;
    t.delete(one)?;
    t.delete(other)?;
    // Each kept the other alive; revoking their memory ends that.
    t.revoke(source)?;
    t.make_from(source, sel4_sys::object::ObjectType::Untyped, 16)?;
    Ok(())
}

fn revoke(t: &mut Tester) -> Outcome {
    let original = t.endpoint()?;
    let copy = t.mint(original, CapRights::READ, 3)?;
    let copy_of_copy = t.copy(copy, CapRights::READ)?;
    let other = t.endpoint()?;
    t.revoke(original)?;
    ensure(!t.is_empty(original)?, "the original is gone")?;
    ensure(t.is_empty(copy)?, "the copy survives")?;
    ensure(t.is_empty(copy_of_copy)?, "the copy's copy survives")?;
    ensure(!t.is_empty(other)?, "a stranger is gone")
}

fn revoke_badged(t: &mut Tester) -> Outcome {
    let original = t.endpoint()?;
    let (one, other) = (
        t.mint(original, CapRights::ALL, 1)?,
        t.mint(original, CapRights::ALL, 2)?,
    );
    let copy = t.copy(one, CapRights::ALL)?;
    t.revoke(one)?;
    ensure(t.is_empty(copy)?, "the copy survives")?;
    ensure(!t.is_empty(one)?, "the revoked capability itself is gone")?;
    ensure(!t.is_empty(other)?, "another badge is gone")?;
    ensure(!t.is_empty(original)?, "the original is gone")
}

fn revoke_siblings(t: &mut Tester) -> Outcome {
    let original = t.endpoint()?;
    let plain = t.copy(original, CapRights::ALL)?;
    let sibling = t.copy(original, CapRights::ALL)?;
    // A plain copy of an unbadged endpoint has no children of its own.
    t.revoke(plain)?;
    ensure(!t.is_empty(original)?, "the original is gone")?;
    ensure(!t.is_empty(sibling)?, "the sibling is gone")
}

fn two_levels(t: &mut Tester) -> Outcome {
    let (upper, lower) = (t.make(CNode, 3)?, t.make(CNode, 5)?);
    let lower_guarded = t.mint(lower, CapRights::ALL, CNodeCapData::new(0b1011, 4).0)?;
    let upper_guarded = t.mint(upper, CapRights::ALL, CNodeCapData::new(0b01, 2).0)?;
    let frame = t.frame()?;
    let at_upper = SlotPath {
        root: upper_guarded,
        index: (0b01 << 3) | 6,
        depth: 5,
    };
    invoke::cnode_copy(&t.ipc, at_upper, path(lower_guarded), CapRights::ALL)?;
    let deep = SlotPath {
        root: upper_guarded,
        index: (((0b01 << 3) | 6) << 9) | (0b1011 << 5) | 21,
        depth: 14,
    };
    invoke::cnode_copy(&t.ipc, deep, path(frame), CapRights::ALL)?;
    let direct = SlotPath {
        root: lower,
        index: 21,
        depth: 5,
    };
    let to = t.slot();
    invoke::cnode_move(&t.ipc, path(to), direct)?;
    equal("the frame found", t.physical(to)?, t.physical(frame)?)
}

fn lookup_failures(t: &mut Tester) -> Outcome {
    let node = t.make(CNode, 4)?;
    let node = t.mint(node, CapRights::ALL, CNodeCapData::new(0b110, 3).0)?;
    let endpoint = t.endpoint()?;
    let attempt = |index, depth| {
        let to = SlotPath {
            root: node,
            index,
            depth,
        };
        invoke::cnode_copy(&t.ipc, to, path(endpoint), CapRights::ALL)
    };
    refused("a wrong guard", attempt(0b111 << 4, 7), FailedLookup)?;
    equal("the side", t.ipc.word(0), 0)?;
    equal("the failure", t.ipc.word(1), 4)?;
    equal("the bits left", t.ipc.word(2), 7)?;
    equal("the guard", t.ipc.word(3), 0b110)?;
    equal("the guard's bits", t.ipc.word(4), 3)?;
    refused("too few bits", attempt(0b110 << 1, 4), FailedLookup)?;
    equal("the failure", t.ipc.word(1), 3)?;
    equal("the bits left", t.ipc.word(2), 4)?;
    equal("the bits found", t.ipc.word(3), 7)?;
    refused("fewer bits than the guard", attempt(0b11, 2), FailedLookup)?;
    equal("the failure", t.ipc.word(1), 4)?;
    refused("too many bits", attempt(0b110 << 6, 9), FailedLookup)?;
    attempt(0b110 << 4, 7)?;
    Ok(())
}

fn depth_range(t: &mut Tester) -> Outcome {
    let (endpoint, to) = (t.endpoint()?, t.slot());
    let attempt = |depth| {
        let to = SlotPath {
            root: slot::CNODE,
            index: to,
            depth,
        };
        invoke::cnode_copy(&t.ipc, to, path(endpoint), CapRights::ALL)
    };
    refused("depth 0", attempt(0), RangeError)?;
    equal("the least depth", t.ipc.word(0), 1)?;
    equal("the greatest depth", t.ipc.word(1), 64)?;
    refused("depth 65", attempt(65), RangeError)?;
    refused("depth 2^64-1", attempt(u64::MAX), RangeError)
}

fn labels(t: &mut Tester) -> Outcome {
    let (endpoint, to) = (t.endpoint()?, t.slot());
    let words = [to, 64, endpoint, 64, 15];
    for length in 0..words.len() {
        let result = t.ipc.invoke(
            slot::CNODE,
            label::CNODE_COPY,
            &words[..length],
            &[slot::CNODE],
        );
        refused("a short message", result, TruncatedMessage)?;
    }
    let result = t.ipc.invoke(slot::CNODE, label::CNODE_COPY, &words, &[]);
    refused("a message without source", result, TruncatedMessage)?;
    for other in [0, 1, 17, 26, 5000] {
        let result = t.ipc.invoke(slot::CNODE, other, &words, &[slot::CNODE]);
        refused("another label", result, IllegalOperation)?;
    }
    let result = t.ipc.invoke(slot::NULL, label::CNODE_COPY, &words, &[]);
    refused("the null slot", result, InvalidCapability)
}

fn rights_shrink(t: &mut Tester) -> Outcome {
    let frame = t.frame()?;
    let read_only = t.copy(frame, CapRights::READ)?;
    let copy = t.copy(read_only, CapRights::ALL)?;
    let address = test_support::memory::fresh_address(7);
    t.map(copy, address, CapRights::READ_WRITE)?;
    crate::paging::write_faults(t, address)
}
