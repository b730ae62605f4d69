//! Address spaces: paging structures at every level, frames of each size, rights, and unmapping.

use kernel_calls::{
    Ipc,
    invoke::{self, attributes},
};
use sel4_sys::error::Error::{
    AlignmentError, DeleteFirst, FailedLookup, InvalidArgument, InvalidCapability,
};
use sel4_sys::fault::VM_FAULT;
use sel4_sys::object::ObjectType::{Page, PageDirectory, PageTable, Pdpt, Pml4};
use sel4_sys::{CapRights, invocation as label, slot};
use test_support::memory::{self, fresh_address};
use test_support::threads::{clear_notes, note, noted};
use test_support::{Outcome, Plan, Test, Tester, ensure, equal, refused};

pub(crate) const RW: CapRights = CapRights::READ_WRITE;

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "page-map-0001",
        rule: "a frame needs all three levels of structures; the failure names the missing one",
        run: missing_levels,
    },
    Test {
        id: "page-map-0002",
        rule: "two mappings of one frame show the same memory",
        run: two_mappings,
    },
    Test {
        id: "page-map-0003",
        rule: "mapping again at the same address changes the rights",
        run: remap_rights,
    },
    Test {
        id: "page-map-0004",
        rule: "a mapped frame cannot be mapped at another address or in another space",
        run: remap_elsewhere,
    },
    Test {
        id: "page-map-0005",
        rule: "an address that is not aligned is AlignmentError",
        run: unaligned,
    },
    Test {
        id: "page-map-0006",
        rule: "an address outside user space is InvalidArgument",
        run: outside_user_space,
    },
    Test {
        id: "page-map-0007",
        rule: "a frame mapped over another is refused or replaces it; unmapping the one does not harm the other",
        run: occupied,
    },
    Test {
        id: "page-map-0008",
        rule: "a capability that is no address space with ASID is InvalidCapability",
        run: not_a_space,
    },
    Test {
        id: "page-unmap-0001",
        rule: "unmapping takes the page away at once, a second time does nothing",
        run: unmap,
    },
    Test {
        id: "page-unmap-0002",
        rule: "deleting a mapped frame capability unmaps it",
        run: delete_unmaps,
    },
    Test {
        id: "page-unmap-0003",
        rule: "revoking an untyped unmaps the frames made from it",
        run: revoke_unmaps,
    },
    Test {
        id: "page-address-0001",
        rule: "a frame's physical address lies in its untyped",
        run: physical_address,
    },
    Test {
        id: "paging-structure-0001",
        rule: "a structure is refused where one is (DeleteFirst), mapped twice (InvalidCapability), and without its parent (FailedLookup)",
        run: structure_refusals,
    },
    Test {
        id: "paging-structure-0002",
        rule: "unmapping a structure takes away all that is mapped through it",
        run: unmap_structure,
    },
    Test {
        id: "paging-structure-0003",
        rule: "structures that are unmapped can be mapped again and are empty",
        run: remap_structure,
    },
    Test {
        id: "page-space-0001",
        rule: "the same address in two address spaces shows different frames",
        run: two_spaces,
    },
    Test {
        id: "page-space-0002",
        rule: "deleting an address space under a thread makes it fault and nothing else",
        run: delete_space,
    },
    Test {
        id: "page-label-0001",
        rule: "a frame and a structure refuse other labels",
        run: labels,
    },
];

/// A write to `address` faults, with a page fault that says so.
pub(crate) fn write_faults(t: &mut Tester, address: u64) -> Outcome {
    let fault = t.fault_of(write_word, address)?;
    equal("the fault's label", fault.label, VM_FAULT)?;
    equal("the fault's address", fault.words[1], address)?;
    equal("the error code", fault.words[3], 7)
}

pub(crate) fn read_word(_: Ipc, address: u64) {
    note(0).store(memory::load(address), core::sync::atomic::Ordering::SeqCst);
}

pub(crate) fn write_word(_: Ipc, address: u64) {
    memory::store(address, 0x5eed);
}

fn missing_levels(t: &mut Tester) -> Outcome {
    let address = fresh_address(1);
    let frame = t.frame()?;
    let map = |t: &Tester| {
        let result = invoke::page_map(
            &t.ipc,
            frame,
            slot::VSPACE,
            address,
            RW,
            attributes::WRITE_BACK,
        );
        (result, [t.ipc.word(0), t.ipc.word(1), t.ipc.word(2)])
    };
    let pdpt = t.make(Pdpt, 0)?;
    let directory = t.make(PageDirectory, 0)?;
    let table = t.make(PageTable, 0)?;
    let lacks = |t: &Tester, bits| {
        let (result, [side, failure, left]) = map(t);
        refused("a mapping without structures", result, FailedLookup)?;
        equal("the side", side, 0)?;
        equal("the failure", failure, 2)?;
        equal("the bits of the missing level", left, bits)
    };
    lacks(t, 39)?;
    invoke::pdpt_map(&t.ipc, pdpt, slot::VSPACE, address)?;
    lacks(t, 30)?;
    invoke::page_directory_map(&t.ipc, directory, slot::VSPACE, address)?;
    lacks(t, 21)?;
    invoke::page_table_map(&t.ipc, table, slot::VSPACE, address)?;
    map(t).0?;
    memory::store(address, 1);
    equal("the word written", memory::load(address), 1)
}

fn two_mappings(t: &mut Tester) -> Outcome {
    let frame = t.frame()?;
    let copy = t.copy(frame, CapRights::ALL)?;
    let (one, other) = (fresh_address(1), fresh_address(2) + 0x7000);
    t.map(frame, one, RW)?;
    t.map(copy, other, RW)?;
    memory::store(one + 8, 77);
    equal("the word through the other", memory::load(other + 8), 77)
}

fn remap_rights(t: &mut Tester) -> Outcome {
    // The C kernel leaves the old translation in the TLB until the next switch of address spaces.
    t.only_on_sekisho()?;
    let (frame, address) = (t.frame()?, fresh_address(1));
    t.map(frame, address, RW)?;
    memory::store(address, 5);
    t.map(frame, address, CapRights::READ)?;
    equal("the word after the change", memory::load(address), 5)?;
    write_faults(t, address)?;
    t.map(frame, address, RW)?;
    memory::store(address, 6);
    equal("the word written again", memory::load(address), 6)
}

fn remap_elsewhere(t: &mut Tester) -> Outcome {
    let (frame, address) = (t.frame()?, fresh_address(1));
    t.map(frame, address, RW)?;
    refused(
        "another address",
        t.map(frame, address + 0x1000, RW),
        InvalidArgument,
    )?;
    let space = t.address_space()?;
    refused(
        "another space",
        t.map_in(space, frame, address, RW),
        InvalidCapability,
    )
}

fn unaligned(t: &mut Tester) -> Outcome {
    let frame = t.frame()?;
    for offset in [1, 8, 0xfff] {
        let result = t.map(frame, fresh_address(1) + offset, RW);
        refused("an unaligned address", result, AlignmentError)?;
    }
    Ok(())
}

fn outside_user_space(t: &mut Tester) -> Outcome {
    let frame = t.frame()?;
    for address in [
        0x0000_7fff_ffff_f000,
        0x0000_8000_0000_0000,
        0xffff_8000_0000_0000,
        0xffff_ffff_8000_0000,
        0xffff_ffff_ffff_f000,
    ] {
        let result = t.map(frame, address, RW);
        refused("an address of the kernel", result, InvalidArgument)?;
    }
    Ok(())
}

fn occupied(t: &mut Tester) -> Outcome {
    let (one, other, address) = (t.frame()?, t.frame()?, fresh_address(1));
    for (frame, word, elsewhere) in [(one, 0x11, 0x1000), (other, 0x22, 0x2000)] {
        let copy = t.copy(frame, CapRights::ALL)?;
        t.map(copy, address + elsewhere, RW)?;
        memory::store(address + elsewhere, word);
    }
    t.map(one, address, RW)?;
    // The manual promises DeleteFirst, the C kernel replaces the mapping.
    let (gone, stays) = match t.map(other, address, RW) {
        Err(DeleteFirst) => (other, 0x11),
        done => {
            done?;
            (one, 0x22)
        }
    };
    invoke::page_unmap(&t.ipc, gone)?;
    t.delete(gone)?;
    equal("the word at the address", memory::load(address), stays)
}

fn not_a_space(t: &mut Tester) -> Outcome {
    let frame = t.frame()?;
    let space = t.make(Pml4, 0)?;
    let endpoint = t.endpoint()?;
    for wrong in [space, endpoint, frame, slot::CNODE] {
        let result = invoke::page_map(&t.ipc, frame, wrong, fresh_address(1), RW, 0);
        refused("a wrong space", result, InvalidCapability)?;
    }
    Ok(())
}

fn unmap(t: &mut Tester) -> Outcome {
    let (frame, address) = (t.frame()?, fresh_address(1));
    t.map(frame, address, RW)?;
    memory::store(address, 9);
    invoke::page_unmap(&t.ipc, frame)?;
    equal(
        "the fault",
        t.fault_of(read_word, address)?.words[1],
        address,
    )?;
    invoke::page_unmap(&t.ipc, frame)?;
    t.map(frame, address + 0x3000, RW)?;
    equal("the word kept", memory::load(address + 0x3000), 9)
}

fn delete_unmaps(t: &mut Tester) -> Outcome {
    let (frame, address) = (t.frame()?, fresh_address(1));
    let copy = t.copy(frame, CapRights::ALL)?;
    t.map(copy, address, RW)?;
    memory::store(address, 9);
    t.delete(copy)?;
    equal(
        "the fault",
        t.fault_of(read_word, address)?.words[1],
        address,
    )
}

fn revoke_unmaps(t: &mut Tester) -> Outcome {
    let source = t.untyped(14)?;
    let address = fresh_address(1);
    for index in 0..4 {
        let frame = t.make_from(source, Page, 0)?;
        t.map(frame, address + index * 0x1000, RW)?;
        memory::store(address + index * 0x1000, 9);
    }
    t.revoke(source)?;
    for index in 0..4 {
        let fault = t.fault_of(read_word, address + index * 0x1000)?;
        equal("the label", fault.label, VM_FAULT)?;
    }
    Ok(())
}

fn physical_address(t: &mut Tester) -> Outcome {
    let frame = t.frame()?;
    let address = t.physical(frame)?;
    let inside = t
        .find_untyped(|piece| {
            let size = 1u64 << piece.size_bits;
            piece.is_device == 0
                && (piece.physical_address..piece.physical_address + size).contains(&address)
        })
        .is_some();
    ensure(inside, "the address lies in no untyped piece")
}

fn structure_refusals(t: &mut Tester) -> Outcome {
    let address = fresh_address(1);
    let space = slot::VSPACE;
    let (pdpt, directory, table) = (
        t.make(Pdpt, 0)?,
        t.make(PageDirectory, 0)?,
        t.make(PageTable, 0)?,
    );
    refused(
        "a directory without PDPT",
        invoke::page_directory_map(&t.ipc, directory, space, address),
        FailedLookup,
    )?;
    refused(
        "a table without PDPT",
        invoke::page_table_map(&t.ipc, table, space, address),
        FailedLookup,
    )?;
    invoke::pdpt_map(&t.ipc, pdpt, space, address)?;
    refused(
        "a PDPT twice",
        invoke::pdpt_map(&t.ipc, pdpt, space, fresh_address(2)),
        InvalidCapability,
    )?;
    let second = t.make(Pdpt, 0)?;
    refused(
        "a second PDPT",
        invoke::pdpt_map(&t.ipc, second, space, address),
        DeleteFirst,
    )?;
    refused(
        "a table without directory",
        invoke::page_table_map(&t.ipc, table, space, address),
        FailedLookup,
    )?;
    refused(
        "a PDPT for the kernel",
        invoke::pdpt_map(&t.ipc, second, space, 0xffff_ff80_0000_0000),
        InvalidArgument,
    )?;
    refused(
        "a PDPT in no space",
        invoke::pdpt_map(&t.ipc, second, slot::CNODE, fresh_address(2)),
        InvalidCapability,
    )
}

fn unmap_structure(t: &mut Tester) -> Outcome {
    let address = fresh_address(1);
    let (pdpt, directory, table) = (
        t.make(Pdpt, 0)?,
        t.make(PageDirectory, 0)?,
        t.make(PageTable, 0)?,
    );
    invoke::pdpt_map(&t.ipc, pdpt, slot::VSPACE, address)?;
    invoke::page_directory_map(&t.ipc, directory, slot::VSPACE, address)?;
    invoke::page_table_map(&t.ipc, table, slot::VSPACE, address)?;
    let frame = t.frame()?;
    t.map(frame, address, RW)?;
    memory::store(address, 4);
    t.ipc.invoke(table, label::X86_PAGE_TABLE_UNMAP, &[], &[])?;
    equal(
        "the fault",
        t.fault_of(read_word, address)?.words[1],
        address,
    )?;
    invoke::page_table_map(&t.ipc, table, slot::VSPACE, address)?;
    t.ipc
        .invoke(directory, label::X86_PAGE_DIRECTORY_UNMAP, &[], &[])?;
    equal(
        "the fault",
        t.fault_of(read_word, address)?.words[1],
        address,
    )?;
    t.ipc.invoke(pdpt, label::X86_PDPT_UNMAP, &[], &[])?;
    equal(
        "the fault",
        t.fault_of(read_word, address)?.words[1],
        address,
    )
}

fn remap_structure(t: &mut Tester) -> Outcome {
    let address = fresh_address(1);
    let frame = t.frame()?;
    t.map(frame, address, RW)?;
    let other = t.frame()?;
    let table = t.make(PageTable, 0)?;
    let second = address + 0x20_0000;
    invoke::page_table_map(&t.ipc, table, slot::VSPACE, second)?;
    t.map(other, second + 0x5000, RW)?;
    t.ipc.invoke(table, label::X86_PAGE_TABLE_UNMAP, &[], &[])?;
    let third = address + 0x40_0000;
    invoke::page_table_map(&t.ipc, table, slot::VSPACE, third)?;
    let fault = t.fault_of(read_word, third + 0x5000)?;
    equal("the fault", fault.words[1], third + 0x5000)?;
    equal("a word elsewhere", memory::load(address), 0)
}

fn two_spaces(t: &mut Tester) -> Outcome {
    let address = fresh_address(1);
    let space = t.space_with_image()?;
    let (here, there) = (t.frame()?, t.frame()?);
    let there_too = t.copy(there, CapRights::ALL)?;
    t.map(here, address, RW)?;
    t.map(there_too, address + 0x1000, RW)?;
    t.map_in(space, there, address, RW)?;
    memory::store(address, 0x11);
    memory::store(address + 0x1000, 0x22);
    clear_notes();
    let watched = t.watch(Plan::new(read_word, address).in_space(space))?;
    ensure(t.next_fault(&watched)?.is_none(), "a fault")?;
    equal("the word over there", noted(0), 0x22)?;
    equal("the word here", memory::load(address), 0x11)?;
    let watched = t.watch(Plan::new(read_word, address + 0x1000).in_space(space))?;
    let fault = t.next_fault(&watched)?;
    equal(
        "the page that is only here",
        fault.map_or(0, |fault| fault.words[1]),
        address + 0x1000,
    )
}

fn spin_for_ever(_: Ipc, _: u64) {
    loop {
        note(1).fetch_add(1, core::sync::atomic::Ordering::SeqCst);
    }
}

fn delete_space(t: &mut Tester) -> Outcome {
    clear_notes();
    let space = t.space_with_image()?;
    t.spawn(
        Plan::new(spin_for_ever, 0)
            .in_space(space)
            .budget(1000, 10_000),
    )?;
    let runs = t.let_others_run_until(|| noted(1) > 0)?;
    ensure(runs, "the thread did not run")?;
    t.delete(space)?;
    let before = noted(1);
    t.let_others_run()?;
    equal("the thread's counter", noted(1), before)
}

fn labels(t: &mut Tester) -> Outcome {
    let frame = t.frame()?;
    let table = t.make(PageTable, 0)?;
    for wrong in [0, 1, 20, 44, 48, 59, 9999] {
        if wrong != label::X86_PAGE_TABLE_UNMAP {
            let result = t.ipc.invoke(table, wrong, &[0, 0, 0], &[slot::VSPACE]);
            ensure(result.is_err(), "a page table takes a wrong label")?;
        }
        let result = t.ipc.invoke(frame, wrong, &[0, 0, 0], &[slot::VSPACE]);
        ensure(result.is_err(), "a frame takes a wrong label")?;
    }
    let result = t.ipc.invoke(frame, label::X86_PAGE_MAP, &[0, 0], &[]);
    refused("a short message", result, sel4_sys::Error::TruncatedMessage)
}
