//! What the root task finds at its start.

use kernel_calls::debug_cap_identify;
use sel4_sys::object::ObjectType;
use sel4_sys::{CapRights, slot};
use test_support::{Outcome, Test, Tester, ensure, equal, memory};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "boot-info-0001",
        rule: "bootinfo says one core, the first CNode has 2^13 slots, the domain is 0",
        run: one_core,
    },
    Test {
        id: "boot-info-0002",
        rule: "every region of slots in bootinfo lies in the first CNode and no two overlap",
        run: regions_are_disjoint,
    },
    Test {
        id: "boot-info-0003",
        rule: "untyped pieces are aligned, do not overlap, and are described one for one",
        run: untyped_pieces_are_sound,
    },
    Test {
        id: "boot-info-0004",
        rule: "the IPC buffer lies behind the image, bootinfo and its extra pages behind that",
        run: layout,
    },
    Test {
        id: "boot-info-0005",
        rule: "an extra chunk gives the frequency of the time stamp counter",
        run: frequency,
    },
    Test {
        id: "boot-info-0006",
        rule: "an extra chunk holds the ACPI root pointer",
        run: root_pointer,
    },
    Test {
        id: "boot-slots-0001",
        rule: "the fixed slots hold capabilities of the types that they are for",
        run: fixed_slots,
    },
    Test {
        id: "boot-slots-0002",
        rule: "the slots that bootinfo calls empty are empty",
        run: empty_slots,
    },
    Test {
        id: "boot-memory-0001",
        rule: "memory that becomes a frame is zero",
        run: frames_are_zero,
    },
    Test {
        id: "boot-memory-0002",
        rule: "most of a gibibyte of memory is handed out",
        run: memory_is_handed_out,
    },
];

fn one_core(t: &mut Tester) -> Outcome {
    equal("the node's number", t.boot.node_id, 0)?;
    equal("the number of nodes", t.boot.node_count, 1)?;
    equal("the CNode's bits", t.boot.root_cnode_bits, 13)?;
    equal("the domain", t.boot.domain, 0)?;
    let control = t.boot.sched_control;
    equal(
        "the number of SchedControls",
        control.end - control.start,
        1,
    )
}

fn regions_are_disjoint(t: &mut Tester) -> Outcome {
    let b = t.boot;
    let regions = [
        b.empty,
        b.user_image_frames,
        b.user_image_paging,
        b.extra_pages,
        b.sched_control,
        b.untyped,
    ];
    for (index, one) in regions.iter().enumerate() {
        ensure(one.start <= one.end, "a region ends before it starts")?;
        ensure(one.end <= 1 << 13, "a region leaves the CNode")?;
        if one.start == one.end {
            continue;
        }
        ensure(
            one.start >= slot::FIRST_DYNAMIC,
            "a region holds fixed slots",
        )?;
        for other in &regions[index + 1..] {
            let apart = one.end <= other.start || other.end <= one.start;
            ensure(
                apart || other.start == other.end,
                "two regions of slots overlap",
            )?;
        }
    }
    Ok(())
}

fn untyped_pieces_are_sound(t: &mut Tester) -> Outcome {
    let region = t.boot.untyped;
    let count = usize::try_from(region.end - region.start).unwrap_or(usize::MAX);
    ensure(count <= t.boot.untyped_list.len(), "too many pieces")?;
    let pieces = &t.boot.untyped_list[..count];
    for (index, one) in pieces.iter().enumerate() {
        ensure(
            (4..=47).contains(&one.size_bits),
            "a piece has an impossible size",
        )?;
        let size = 1u64 << one.size_bits;
        // Pieces beyond all memory and devices may start anywhere.
        let aligned = one.physical_address % size == 0;
        ensure(aligned || one.size_bits >= 39, "a piece is not aligned")?;
        for other in &pieces[index + 1..] {
            let (a, b) = (one.physical_address, other.physical_address);
            let apart = a + size <= b || b + (1 << other.size_bits) <= a;
            ensure(apart, "two pieces overlap")?;
        }
    }
    Ok(())
}

fn layout(t: &mut Tester) -> Outcome {
    let here = core::ptr::from_ref(t.boot) as u64;
    equal("bootinfo's address", here, t.boot.ipc_buffer + 4096)?;
    equal("the buffer's alignment", t.boot.ipc_buffer % 4096, 0)?;
    let pages = t.boot.extra_pages;
    ensure(
        t.boot.extra_length <= (pages.end - pages.start) * 4096,
        "the extra chunks do not fit their pages",
    )
}

fn frequency(t: &mut Tester) -> Outcome {
    let chunk = memory::extra_chunk(t.boot, sel4_sys::boot_info::extra::TSC_FREQUENCY);
    let [a, b, c, d, ..] = test_support::expect(chunk, "frequency chunk")?.to_le_bytes();
    let megahertz = u32::from_le_bytes([a, b, c, d]);
    ensure(
        (100..10_000).contains(&megahertz),
        "no CPU has such a frequency",
    )
}

fn root_pointer(t: &mut Tester) -> Outcome {
    let chunk = memory::extra_chunk(t.boot, sel4_sys::boot_info::extra::RSDP);
    let signature = test_support::expect(chunk, "ACPI chunk")?;
    equal("the signature", signature, u64::from_le_bytes(*b"RSD PTR "))
}

fn fixed_slots(t: &mut Tester) -> Outcome {
    const TAGS: [(&str, u64, u64); 12] = [
        ("tag of slot 1", slot::TCB, 12),
        ("tag of slot 2", slot::CNODE, 10),
        ("tag of slot 3", slot::VSPACE, 9),
        ("tag of slot 4", slot::IRQ_CONTROL, 14),
        ("tag of slot 5", slot::ASID_CONTROL, 11),
        ("tag of slot 6", slot::ASID_POOL, 13),
        ("tag of slot 7", slot::IO_PORT_CONTROL, 31),
        ("tag of slot 9", slot::BOOT_INFO_FRAME, 1),
        ("tag of slot 10", slot::IPC_BUFFER, 1),
        ("tag of slot 11", slot::DOMAIN, 20),
        ("tag of slot 14", slot::SCHED_CONTEXT, 22),
        ("tag of slot 0", slot::NULL, 0),
    ];
    for (what, number, tag) in TAGS {
        equal(what, debug_cap_identify(number), tag)?;
    }
    let control = t.boot.sched_control.start;
    equal("tag of SchedControl", debug_cap_identify(control), 24)?;
    for untyped in t.boot.untyped.start..t.boot.untyped.end {
        equal("tag of an untyped", debug_cap_identify(untyped), 2)?;
    }
    for frame in t.boot.user_image_frames.start..t.boot.user_image_frames.end {
        equal("tag of an image frame", debug_cap_identify(frame), 1)?;
    }
    Ok(())
}

fn empty_slots(t: &mut Tester) -> Outcome {
    // The arena and the exit device's port already use the first and the last.
    for number in t.boot.empty.start + 1..t.boot.empty.end - 1 {
        if debug_cap_identify(number) != 0 {
            return equal("a slot that must be empty", number, 0);
        }
    }
    Ok(())
}

fn frames_are_zero(t: &mut Tester) -> Outcome {
    let address = memory::fresh_address(3);
    for _ in 0..2 {
        let frame = t.make(ObjectType::Page, 0)?;
        t.map(frame, address, CapRights::READ_WRITE)?;
        for offset in (0..4096).step_by(8) {
            equal("a word of a new frame", memory::load(address + offset), 0)?;
            memory::store(address + offset, u64::MAX);
        }
        // The second round gets the same memory again.
        t.revoke(t.arena)?;
    }
    Ok(())
}

fn memory_is_handed_out(t: &mut Tester) -> Outcome {
    let sum: u64 = (t.boot.untyped.start..t.boot.untyped.end)
        .zip(&t.boot.untyped_list)
        .filter(|(_, piece)| piece.is_device == 0)
        .map(|(_, piece)| 1u64 << piece.size_bits)
        .sum();
    ensure(sum > 900 << 20, "less than 900 MiB are handed out")
}
