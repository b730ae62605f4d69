//! `Untyped_Retype`: sizes, alignment, watermark, reset, device memory, and what is refused.

use kernel_calls::invoke::{self, Retype, SlotPath};
use sel4_sys::error::Error::{
    DeleteFirst, FailedLookup, InvalidArgument, InvalidCapability, NotEnoughMemory, RangeError,
    RevokeFirst, TruncatedMessage,
};
use sel4_sys::invocation::UNTYPED_RETYPE;
use sel4_sys::object::ObjectType::{
    self, CNode, Endpoint, LargePage, Notification, Page, PageDirectory, PageTable, Pdpt, Pml4,
    Reply, SchedContext, Tcb, Untyped,
};
use sel4_sys::{CapRights, slot};
use test_support::resources::{path, retype_into};
use test_support::{Outcome, Test, Tester, ensure, equal, expect, memory, refused};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "untyped-retype-0001",
        rule: "every standard object type can be made",
        run: every_type,
    },
    Test {
        id: "untyped-retype-0002",
        rule: "one retype makes as many objects as asked, in adjoining slots, in adjoining memory",
        run: several_objects,
    },
    Test {
        id: "untyped-retype-0003",
        rule: "device untyped gives only frames and untypeds",
        run: device_untyped,
    },
    Test {
        id: "untyped-retype-0004",
        rule: "objects are aligned to their size: the watermark is rounded up",
        run: alignment,
    },
    Test {
        id: "untyped-retype-0005",
        rule: "memory that is used up is NotEnoughMemory, and register 0 says what is left",
        run: exhaustion,
    },
    Test {
        id: "untyped-retype-0006",
        rule: "an untyped whose children are all deleted starts again from its beginning",
        run: reset_after_delete,
    },
    Test {
        id: "untyped-retype-0007",
        rule: "an untyped with one child left does not start again",
        run: no_reset_with_child,
    },
    Test {
        id: "untyped-retype-0008",
        rule: "revoking an untyped deletes all that was made from it, at any depth",
        run: revoke_depth,
    },
    Test {
        id: "untyped-retype-0009",
        rule: "an unknown type is InvalidArgument",
        run: unknown_type,
    },
    Test {
        id: "untyped-retype-0010",
        rule: "too small or too large sizes are refused",
        run: sizes,
    },
    Test {
        id: "untyped-retype-0011",
        rule: "counts of 0, above 256, and beyond the CNode are RangeError",
        run: counts,
    },
    Test {
        id: "untyped-retype-0012",
        rule: "a destination slot that is in use is DeleteFirst, and nothing is made",
        run: destination_in_use,
    },
    Test {
        id: "untyped-retype-0013",
        rule: "a destination that is not a CNode or does not resolve is FailedLookup",
        run: bad_destination,
    },
    Test {
        id: "untyped-retype-0014",
        rule: "a message with too few words or without the root is TruncatedMessage",
        run: truncated,
    },
    Test {
        id: "untyped-retype-0015",
        rule: "a destination CNode can be named by index and depth",
        run: nested_destination,
    },
    Test {
        id: "untyped-copy-0001",
        rule: "an untyped with children cannot be copied, one without can",
        run: copy_with_children,
    },
    Test {
        id: "untyped-copy-0002",
        rule: "an untyped that was copied has a child: the other refuses nothing but has no memory to reset",
        run: retype_through_copy,
    },
    Test {
        id: "untyped-label-0001",
        rule: "an untyped refuses every other label",
        run: other_labels,
    },
];

fn every_type(t: &mut Tester) -> Outcome {
    const TAGS: [(ObjectType, u64, u64); 13] = [
        (Untyped, 12, 2),
        (Tcb, 0, 12),
        (Endpoint, 0, 4),
        (Notification, 0, 6),
        (CNode, 4, 10),
        (SchedContext, 8, 22),
        (Reply, 0, 8),
        (Pdpt, 0, 7),
        (Pml4, 0, 9),
        (Page, 0, 1),
        (LargePage, 0, 1),
        (PageTable, 0, 3),
        (PageDirectory, 0, 5),
    ];
    for (object, size, tag) in TAGS {
        let made = t.make(object, size)?;
        let found = kernel_calls::debug_cap_identify(made);
        equal("the tag of a new object", found, tag)?;
    }
    Ok(())
}

fn several_objects(t: &mut Tester) -> Outcome {
    let first = t.slots(8);
    let retype = Retype {
        count: 8,
        ..retype_into(Page, 0, first)
    };
    invoke::untyped_retype(&t.ipc, t.arena, &retype)?;
    let start = t.physical(first)?;
    for index in 0..8 {
        let address = t.physical(first + index)?;
        equal("a frame's address", address, start + index * 4096)?;
    }
    let behind = t.slot();
    ensure(t.is_empty(behind)?, "more slots than asked are filled")
}

fn device_untyped(t: &mut Tester) -> Outcome {
    let device = t.find_untyped(|piece| piece.is_device == 1 && piece.size_bits >= 14);
    let device = expect(device, "device untyped")?;
    let (frame, smaller) = (t.slot(), t.slot());
    invoke::untyped_retype(&t.ipc, device, &retype_into(Page, 0, frame))?;
    invoke::untyped_retype(&t.ipc, device, &retype_into(Untyped, 12, smaller))?;
    for object in [
        Tcb,
        Endpoint,
        Notification,
        CNode,
        SchedContext,
        Reply,
        PageTable,
        Pml4,
    ] {
        let to = t.slot();
        let size = if object == SchedContext { 8 } else { 2 };
        let result = invoke::untyped_retype(&t.ipc, device, &retype_into(object, size, to));
        refused("an object in device memory", result, InvalidArgument)?;
    }
    let to = t.slot();
    let result = invoke::untyped_retype(&t.ipc, smaller, &retype_into(Endpoint, 0, to));
    refused("an endpoint in a part of it", result, InvalidArgument)?;
    t.revoke(device)?;
    Ok(())
}

fn alignment(t: &mut Tester) -> Outcome {
    let source = t.untyped(16)?;
    let first = t.make_from(source, Page, 0)?;
    let base = t.physical(first)?;
    t.make_from(source, Endpoint, 0)?;
    let second = t.make_from(source, Page, 0)?;
    equal(
        "the frame behind an endpoint",
        t.physical(second)?,
        base + 2 * 4096,
    )?;
    t.make_from(source, Untyped, 14)?;
    let third = t.make_from(source, Page, 0)?;
    equal(
        "the frame behind 16 KiB",
        t.physical(third)?,
        base + 8 * 4096,
    )
}

fn exhaustion(t: &mut Tester) -> Outcome {
    let source = t.untyped(13)?;
    t.make_from(source, Endpoint, 0)?;
    let to = t.slot();
    let result = invoke::untyped_retype(&t.ipc, source, &retype_into(Untyped, 13, to));
    refused("more than there is", result, NotEnoughMemory)?;
    equal("the bytes left", t.ipc.word(0), 8192 - 16)?;
    t.make_from(source, Page, 0)?;
    let result = invoke::untyped_retype(&t.ipc, source, &retype_into(Page, 0, to));
    refused("a frame behind the end", result, NotEnoughMemory)?;
    equal("the bytes left", t.ipc.word(0), 0)
}

fn reset_after_delete(t: &mut Tester) -> Outcome {
    let source = t.untyped(12)?;
    for _ in 0..3 {
        let frame = t.make_from(source, Page, 0)?;
        let to = t.slot();
        let result = invoke::untyped_retype(&t.ipc, source, &retype_into(Page, 0, to));
        refused("a second frame", result, NotEnoughMemory)?;
        t.delete(frame)?;
    }
    Ok(())
}

fn no_reset_with_child(t: &mut Tester) -> Outcome {
    let source = t.untyped(13)?;
    let first = t.make_from(source, Page, 0)?;
    t.make_from(source, Page, 0)?;
    t.delete(first)?;
    let to = t.slot();
    let result = invoke::untyped_retype(&t.ipc, source, &retype_into(Page, 0, to));
    refused("a frame in the freed half", result, NotEnoughMemory)
}

fn revoke_depth(t: &mut Tester) -> Outcome {
    let mut pieces = [0; 6];
    pieces[0] = t.untyped(20)?;
    for level in 1..pieces.len() {
        pieces[level] = t.make_from(pieces[level - 1], Untyped, 20 - level as u64)?;
    }
    let leaf = t.make_from(pieces[5], Endpoint, 0)?;
    let copy = t.copy(leaf, CapRights::ALL)?;
    t.revoke(pieces[0])?;
    for gone in pieces[1..].iter().chain(&[leaf, copy]) {
        ensure(t.is_empty(*gone)?, "a descendant survives revocation")?;
    }
    t.make_from(pieces[0], Untyped, 20)?;
    Ok(())
}

fn unknown_type(t: &mut Tester) -> Outcome {
    for number in [14, 63, 1 << 20, u64::MAX] {
        let to = t.slot();
        let words = [number, 12, 0, 0, to, 1];
        let result = t
            .ipc
            .invoke(t.arena, UNTYPED_RETYPE, &words, &[slot::CNODE]);
        refused("an unknown type", result, InvalidArgument)?;
    }
    Ok(())
}

fn sizes(t: &mut Tester) -> Outcome {
    let to = t.slot();
    let attempt =
        |object, size| invoke::untyped_retype(&t.ipc, t.arena, &retype_into(object, size, to));
    refused(
        "an untyped of 8 bytes",
        attempt(Untyped, 3),
        InvalidArgument,
    )?;
    refused("a CNode of one slot", attempt(CNode, 0), InvalidArgument)?;
    refused(
        "a scheduling context of 64 bytes",
        attempt(SchedContext, 6),
        InvalidArgument,
    )?;
    refused("an untyped of 2^48", attempt(Untyped, 48), RangeError)?;
    refused("an untyped of 2^64", attempt(Untyped, 64), RangeError)?;
    refused(
        "an untyped of 2^(2^64-1)",
        attempt(Untyped, u64::MAX),
        RangeError,
    )?;
    refused("a CNode of 2^59 slots", attempt(CNode, 59), RangeError)?;
    attempt(Untyped, 4)?;
    Ok(())
}

fn counts(t: &mut Tester) -> Outcome {
    let to = t.slot();
    let attempt = |offset, count| {
        let retype = Retype {
            count,
            ..retype_into(Endpoint, 0, offset)
        };
        invoke::untyped_retype(&t.ipc, t.arena, &retype)
    };
    refused("no object", attempt(to, 0), RangeError)?;
    refused("257 objects", attempt(to, 257), RangeError)?;
    refused("2^64-1 objects", attempt(to, u64::MAX), RangeError)?;
    refused("a slot behind the CNode", attempt(1 << 13, 1), RangeError)?;
    refused(
        "slots behind the CNode",
        attempt((1 << 13) - 1, 2),
        RangeError,
    )?;
    refused("an offset near 2^64", attempt(u64::MAX, 1), RangeError)?;
    let first = t.slots(256);
    let retype = Retype {
        count: 256,
        ..retype_into(Endpoint, 0, first)
    };
    invoke::untyped_retype(&t.ipc, t.arena, &retype)?;
    Ok(())
}

fn destination_in_use(t: &mut Tester) -> Outcome {
    let first = t.slots(4);
    invoke::untyped_retype(&t.ipc, t.arena, &retype_into(Endpoint, 0, first + 3))?;
    let retype = Retype {
        count: 4,
        ..retype_into(Endpoint, 0, first)
    };
    let result = invoke::untyped_retype(&t.ipc, t.arena, &retype);
    refused("a slot in use", result, DeleteFirst)?;
    for slot in first..first + 3 {
        ensure(t.is_empty(slot)?, "a refused retype filled a slot")?;
    }
    Ok(())
}

fn bad_destination(t: &mut Tester) -> Outcome {
    let endpoint = t.endpoint()?;
    let (empty, to) = (t.slot(), t.slot());
    let attempt = |root, index, depth| {
        let destination = SlotPath { root, index, depth };
        let retype = Retype {
            destination,
            ..retype_into(Endpoint, 0, to)
        };
        invoke::untyped_retype(&t.ipc, t.arena, &retype)
    };
    refused("an endpoint as root", attempt(endpoint, 0, 0), FailedLookup)?;
    refused("an empty slot as root", attempt(empty, 0, 0), FailedLookup)?;
    refused(
        "an endpoint as CNode",
        attempt(slot::CNODE, endpoint, 64),
        FailedLookup,
    )?;
    refused(
        "an empty slot as CNode",
        attempt(slot::CNODE, empty, 64),
        FailedLookup,
    )
}

fn truncated(t: &mut Tester) -> Outcome {
    let to = t.slot();
    let words = [Endpoint as u64, 0, 0, 0, to, 1];
    for length in 0..words.len() {
        let result = t
            .ipc
            .invoke(t.arena, UNTYPED_RETYPE, &words[..length], &[slot::CNODE]);
        refused("a short message", result, TruncatedMessage)?;
    }
    let result = t.ipc.invoke(t.arena, UNTYPED_RETYPE, &words, &[]);
    refused("a message without root", result, TruncatedMessage)
}

fn nested_destination(t: &mut Tester) -> Outcome {
    let node = t.make(CNode, 4)?;
    let retype = Retype {
        destination: path(node),
        ..retype_into(Endpoint, 0, 5)
    };
    invoke::untyped_retype(&t.ipc, t.arena, &retype)?;
    // Fetch it out of the new CNode, whose capability has no guard.
    let inside = SlotPath {
        root: node,
        index: 5,
        depth: 4,
    };
    let to = t.slot();
    invoke::cnode_move(&t.ipc, path(to), inside)?;
    equal(
        "the tag found inside",
        kernel_calls::debug_cap_identify(to),
        4,
    )
}

fn copy_with_children(t: &mut Tester) -> Outcome {
    let source = t.untyped(14)?;
    let copy = t.copy(source, CapRights::ALL)?;
    t.delete(copy)?;
    t.make_from(source, Endpoint, 0)?;
    refused(
        "a copy of an untyped in use",
        t.copy(source, CapRights::ALL),
        RevokeFirst,
    )
}

fn retype_through_copy(t: &mut Tester) -> Outcome {
    let source = t.untyped(13)?;
    let copy = t.copy(source, CapRights::ALL)?;
    let to = t.slot();
    // The copy is the source's child, so the source must not be used while the copy exists
    // unless it has memory left: it does, and the copy's memory is the same memory.
    let result = invoke::untyped_retype(&t.ipc, source, &retype_into(Page, 0, to));
    let through_copy = t.make_from(copy, Page, 0);
    if result.is_ok() && through_copy.is_ok() {
        let (one, other) = (t.physical(to)?, t.physical(to + 1)?);
        ensure(one != other, "two frames lie in the same memory")?;
    }
    let address = memory::fresh_address(5);
    let frame = if through_copy.is_ok() { to + 1 } else { to };
    t.map(frame, address, CapRights::READ_WRITE)?;
    equal("a word of the frame", memory::load(address), 0)
}

fn other_labels(t: &mut Tester) -> Outcome {
    for label in [0, 2, 20, 59, 4097, 1 << 40] {
        let result = t
            .ipc
            .invoke(t.arena, label, &[0, 0, 0, 0, 0, 0], &[slot::CNODE]);
        refused("another label", result, sel4_sys::Error::IllegalOperation)?;
    }
    let empty = t.slot();
    let result = t.ipc.invoke(empty, UNTYPED_RETYPE, &[0; 6], &[slot::CNODE]);
    refused("an empty slot", result, InvalidCapability)
}
