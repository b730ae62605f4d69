//! Which of several mistakes an operation names: it looks at its arguments in a fixed order.
//!
//! Each test begins with an invocation that is wrong in every respect and puts one thing right at a time.

use kernel_calls::Ipc;
use sel4_sys::error::Error::{
    self, AlignmentError, DeleteFirst, FailedLookup, InvalidArgument, InvalidCapability,
    NotEnoughMemory, RangeError, TruncatedMessage,
};
use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, invocation as label, slot};
use test_support::{Outcome, Test, Tester, refused};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "order-retype-0001",
        rule: "Retype looks at type, size, destination, offset, count, slots, memory, in this order",
        run: retype,
    },
    Test {
        id: "order-copy-0001",
        rule: "Copy looks at the destination's path, length, destination, source, the rest of the message",
        run: copy,
    },
    Test {
        id: "order-map-0001",
        rule: "Map looks at length, space, earlier mapping, range, alignment, structures, in this order",
        run: map,
    },
    Test {
        id: "order-ports-0001",
        rule: "IOPortControl Issue looks at length, order of the ports, their use, destination",
        run: ports,
    },
    Test {
        id: "order-pool-0001",
        rule: "MakePool looks at length, the untyped, its children, the destination, in this order",
        run: pool,
    },
];

/// One attempt: what is right by now, the message, its capabilities, and the error that is due.
type Attempt<'a> = (&'static str, &'a [u64], &'a [u64], Error);

/// Makes the attempts, one after the other.
fn all_refused(ipc: Ipc, object: u64, operation: u64, attempts: &[Attempt]) -> Outcome {
    attempts.iter().try_for_each(|(right, words, caps, error)| {
        refused(right, ipc.invoke(object, operation, words, caps), *error)
    })
}

fn retype(t: &mut Tester) -> Outcome {
    let memory = t.untyped(5)?;
    let node = t.make(ObjectType::CNode, 2)?;
    let in_node = kernel_calls::invoke::SlotPath {
        root: node,
        index: 1,
        depth: 2,
    };
    let from = test_support::resources::path(slot::TCB);
    kernel_calls::invoke::cnode_copy(&t.ipc, in_node, from, CapRights::ALL)?;
    let cnode = ObjectType::CNode as u64;
    let attempts: &[Attempt] = &[
        ("nothing", &[999, 99, 0, 0, 9], &[], TruncatedMessage),
        (
            "length",
            &[999, 99, 0, 0, 9, 9],
            &[slot::TCB],
            InvalidArgument,
        ),
        ("type", &[cnode, 99, 0, 0, 9, 9], &[slot::TCB], RangeError),
        (
            "size",
            &[cnode, 0, 0, 0, 9, 9],
            &[slot::TCB],
            InvalidArgument,
        ),
        (
            "least size",
            &[cnode, 1, 0, 0, 9, 9],
            &[slot::TCB],
            FailedLookup,
        ),
        ("destination", &[cnode, 1, 0, 0, 9, 9], &[node], RangeError),
        ("offset", &[cnode, 1, 0, 0, 0, 9], &[node], RangeError),
        ("count", &[cnode, 1, 0, 0, 0, 2], &[node], DeleteFirst),
        ("slots", &[cnode, 1, 0, 0, 2, 2], &[node], NotEnoughMemory),
    ];
    all_refused(t.ipc, memory, label::UNTYPED_RETYPE, attempts)
}

fn copy(t: &mut Tester) -> Outcome {
    let empty = t.slot();
    let full = slot::TCB;
    let attempts: &[Attempt] = &[
        ("nothing", &[full], &[], TruncatedMessage),
        ("first words", &[full, 65], &[], RangeError),
        ("depth", &[full, 64], &[], TruncatedMessage),
        ("length", &[full, 64, empty, 65], &[slot::TCB], DeleteFirst),
        ("slot", &[empty, 64, empty, 65], &[slot::TCB], FailedLookup),
        ("root", &[empty, 64, empty, 65], &[slot::CNODE], RangeError),
        (
            "source depth",
            &[empty, 64, empty, 64],
            &[slot::CNODE],
            FailedLookup,
        ),
        (
            "source",
            &[empty, 64, full, 64],
            &[slot::CNODE],
            TruncatedMessage,
        ),
    ];
    all_refused(t.ipc, slot::CNODE, label::CNODE_COPY, attempts)
}

/// Addresses where nothing is mapped, and of the kernel.
const FREE: u64 = 0x7000_0000_0000;
const KERNEL: u64 = 0xffff_ffff_8000_0000;

fn map(t: &mut Tester) -> Outcome {
    let frame = t.frame()?;
    let attempts: &[Attempt] = &[
        ("nothing", &[KERNEL | 1, 3], &[slot::TCB], TruncatedMessage),
        (
            "length",
            &[KERNEL | 1, 3, 0],
            &[slot::TCB],
            InvalidCapability,
        ),
        (
            "space",
            &[KERNEL | 1, 3, 0],
            &[slot::VSPACE],
            InvalidArgument,
        ),
        ("range", &[FREE | 1, 3, 0], &[slot::VSPACE], AlignmentError),
        ("alignment", &[FREE, 3, 0], &[slot::VSPACE], FailedLookup),
    ];
    all_refused(t.ipc, frame, label::X86_PAGE_MAP, attempts)?;
    let other = t.address_space()?;
    let mapped = t.image_frame(t.boot.ipc_buffer - 1);
    let attempts: &[Attempt] = &[
        ("nothing", &[KERNEL | 1, 3, 0], &[other], InvalidCapability),
        (
            "space",
            &[KERNEL | 1, 3, 0],
            &[slot::VSPACE],
            InvalidArgument,
        ),
    ];
    all_refused(t.ipc, mapped, label::X86_PAGE_MAP, attempts)
}

fn ports(t: &mut Tester) -> Outcome {
    let full = slot::TCB;
    let issued = t.slot();
    let words = [0x2e8, 0x2ef, issued, 64];
    let issue = label::X86_IO_PORT_CONTROL_ISSUE;
    t.ipc
        .invoke(slot::IO_PORT_CONTROL, issue, &words, &[slot::CNODE])?;
    let attempts: &[Attempt] = &[
        (
            "nothing",
            &[0x2ef, 0x2e8, full],
            &[slot::TCB],
            TruncatedMessage,
        ),
        (
            "length",
            &[0x2ef, 0x2e8, full, 64],
            &[slot::TCB],
            InvalidArgument,
        ),
        (
            "order",
            &[0x2e0, 0x2e8, full, 64],
            &[slot::TCB],
            Error::RevokeFirst,
        ),
        ("use", &[0x2e0, 0x2e7, full, 64], &[slot::TCB], FailedLookup),
        (
            "root",
            &[0x2e0, 0x2e7, full, 64],
            &[slot::CNODE],
            DeleteFirst,
        ),
    ];
    all_refused(t.ipc, slot::IO_PORT_CONTROL, issue, attempts)
}

fn pool(t: &mut Tester) -> Outcome {
    let small = t.untyped(11)?;
    let used = t.untyped(12)?;
    let free = t.untyped(12)?;
    t.make_from(used, ObjectType::Endpoint, 0)?;
    let full = slot::TCB;
    let attempts: &[Attempt] = &[
        ("nothing", &[full], &[small, slot::TCB], TruncatedMessage),
        (
            "length",
            &[full, 64],
            &[small, slot::TCB],
            InvalidCapability,
        ),
        (
            "untyped",
            &[full, 64],
            &[used, slot::TCB],
            Error::RevokeFirst,
        ),
        ("children", &[full, 64], &[free, slot::TCB], FailedLookup),
        ("root", &[full, 64], &[free, slot::CNODE], DeleteFirst),
    ];
    let operation = label::X86_ASID_CONTROL_MAKE_POOL;
    all_refused(t.ipc, slot::ASID_CONTROL, operation, attempts)
}
