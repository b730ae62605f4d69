//! Memory: making frames, mapping, protecting and unmapping them.

use kernel_calls::invoke::{self, attributes};
use sel4_sys::object::ObjectType::Page;
use sel4_sys::{CapRights, slot};
use test_support::cpu::ticks;
use test_support::memory::fresh_address;
use test_support::resources::retype_into;
use test_support::{Failure, Outcome, Test, Tester};

use crate::{ROUNDS, least, report_call};

pub(crate) const MEASUREMENTS: &[Test] = &[
    Test {
        id: "retype",
        rule: "Retype of one 4 KiB frame: the least, and the mean, which has its part of zeroing memory",
        run: retype,
    },
    Test {
        id: "map",
        rule: "map, protect, unprotect and unmap one 4 KiB page whose tables are there",
        run: map,
    },
];

fn retype(t: &mut Tester) -> Outcome {
    // The first one also finds out that the untyped has no children.
    t.frame()?;
    let mut all = 0;
    let took = least(|| -> Result<u64, Failure> {
        let to = t.slot();
        let retype = retype_into(Page, 0, to);
        let start = ticks();
        invoke::untyped_retype(&t.ipc, t.arena, &retype)?;
        let took = ticks() - start;
        all += took;
        Ok(took)
    })?;
    report_call(t.ipc, "retype-frame", took);
    report_call(t.ipc, "retype-frame-mean", all / ROUNDS as u64);
    Ok(())
}

fn map(t: &mut Tester) -> Outcome {
    let (frame, address) = (t.frame()?, fresh_address(1));
    t.map(frame, address, CapRights::READ_WRITE)?;
    invoke::page_unmap(&t.ipc, frame)?;
    let ipc = t.ipc;
    let mapped = |rights| -> Result<u64, Failure> {
        let start = ticks();
        invoke::page_map(
            &ipc,
            frame,
            slot::VSPACE,
            address,
            rights,
            attributes::WRITE_BACK,
        )?;
        Ok(ticks() - start)
    };
    let unmapped = || -> Result<u64, Failure> {
        let start = ticks();
        invoke::page_unmap(&ipc, frame)?;
        Ok(ticks() - start)
    };
    let (mut protect, mut unprotect, mut unmap) = (u64::MAX, u64::MAX, u64::MAX);
    let map = least(|| -> Result<u64, Failure> {
        let map = mapped(CapRights::READ_WRITE)?;
        protect = protect.min(mapped(CapRights::READ)?);
        unprotect = unprotect.min(mapped(CapRights::READ_WRITE)?);
        unmap = unmap.min(unmapped()?);
        Ok(map)
    })?;
    report_call(t.ipc, "page-map", map);
    report_call(t.ipc, "page-protect", protect);
    report_call(t.ipc, "page-unprotect", unprotect);
    report_call(t.ipc, "page-unmap", unmap);
    Ok(())
}
