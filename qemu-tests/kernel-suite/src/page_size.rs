//! Frames of 2 MiB and 1 GiB.

use kernel_calls::invoke::{self, attributes};
use sel4_sys::error::Error::{AlignmentError, DeleteFirst, FailedLookup};
use sel4_sys::object::ObjectType::{LargePage, PageTable, Pdpt};
use sel4_sys::{CapRights, slot};
use test_support::memory::{self, fresh_address};
use test_support::{Outcome, Test, Tester, equal, refused};

use crate::paging::{RW, read_word};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "page-large-0001",
        rule: "a 2 MiB frame maps without page table, is zero, and shows all of its memory",
        run: large_page,
    },
    Test {
        id: "page-large-0002",
        rule: "a 2 MiB frame does not go where a page table is, nor a page table where it is",
        run: large_page_conflicts,
    },
    Test {
        id: "page-large-0003",
        rule: "a 2 MiB frame needs 2 MiB alignment",
        run: large_page_alignment,
    },
    Test {
        id: "page-huge-0001",
        rule: "a 1 GiB frame maps without page directory",
        run: huge_page,
    },
];

fn large_page(t: &mut Tester) -> Outcome {
    let (frame, address) = (t.make(LargePage, 0)?, fresh_address(1) + 0x20_0000);
    equal("the physical alignment", t.physical(frame)? % 0x20_0000, 0)?;
    t.map(frame, address, RW)?;
    for offset in (0..0x20_0000).step_by(0x1000) {
        equal("a word of the frame", memory::load(address + offset), 0)?;
        memory::store(address + offset, offset);
    }
    for offset in (0..0x20_0000).step_by(0x1000) {
        equal("a word written", memory::load(address + offset), offset)?;
    }
    invoke::page_unmap(&t.ipc, frame)?;
    let last = address + 0x1f_fff8;
    equal("the fault", t.fault_of(read_word, last)?.words[1], last)
}

fn large_page_conflicts(t: &mut Tester) -> Outcome {
    let address = fresh_address(1);
    let (small, large) = (t.frame()?, t.make(LargePage, 0)?);
    t.map(small, address + 0x1000, RW)?;
    refused(
        "a large frame over a table",
        t.map(large, address, RW),
        DeleteFirst,
    )?;
    let elsewhere = address + 0x20_0000;
    t.map(large, elsewhere, RW)?;
    let table = t.make(PageTable, 0)?;
    let result = invoke::page_table_map(&t.ipc, table, slot::VSPACE, elsewhere);
    refused("a table over a large frame", result, DeleteFirst)?;
    memory::store(elsewhere, 3);
    equal("the large frame's word", memory::load(elsewhere), 3)
}

fn large_page_alignment(t: &mut Tester) -> Outcome {
    let large = t.make(LargePage, 0)?;
    refused(
        "4 KiB alignment",
        t.map(large, fresh_address(1) + 0x1000, RW),
        AlignmentError,
    )
}

fn huge_page(t: &mut Tester) -> Outcome {
    use sel4_sys::object::ObjectType::HugePage;
    let source = t.find_untyped(|piece| piece.is_device == 1 && piece.size_bits >= 30);
    let Some(source) = source else {
        return Err(test_support::Failure::skipped(
            "no aligned gibibyte of device memory",
        ));
    };
    let frame = t.make_from(source, HugePage, 0)?;
    let address = fresh_address(1) + 0x4000_0000;
    let attempt = |t: &Tester| {
        invoke::page_map(
            &t.ipc,
            frame,
            slot::VSPACE,
            address,
            CapRights::READ,
            attributes::UNCACHED,
        )
    };
    refused("a mapping without PDPT", attempt(t), FailedLookup)?;
    let pdpt = t.make(Pdpt, 0)?;
    invoke::pdpt_map(&t.ipc, pdpt, slot::VSPACE, address)?;
    attempt(t)?;
    t.no_fault_of(read_word, address + 0x3fff_fff8)?;
    t.revoke(source)?;
    Ok(())
}
