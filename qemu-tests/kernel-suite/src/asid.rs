//! ASID pools.

use kernel_calls::invoke;
use sel4_sys::error::Error::{
    DeleteFirst, FailedLookup, IllegalOperation, InvalidCapability, RevokeFirst, TruncatedMessage,
};
use sel4_sys::object::ObjectType::{PageTable, Pml4};
use sel4_sys::{CapRights, invocation as label, slot};
use test_support::resources::path;
use test_support::{Outcome, Test, Tester, equal, refused};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "asid-assign-0001",
        rule: "an address space gets one ASID, once, and only address spaces get one",
        run: assign_once,
    },
    Test {
        id: "asid-assign-0002",
        rule: "a pool serves 512 spaces and then is full; deleting one makes room",
        run: pool_full,
    },
    Test {
        id: "asid-pool-0001",
        rule: "a pool is made of an untyped of 4 KiB without children",
        run: make_pool,
    },
    Test {
        id: "asid-pool-0002",
        rule: "there are eight pools; deleting one makes room for another",
        run: eight_pools,
    },
    Test {
        id: "asid-pool-0003",
        rule: "deleting a pool takes the ASIDs of its spaces away",
        run: delete_pool,
    },
    Test {
        id: "asid-label-0001",
        rule: "other labels are IllegalOperation",
        run: labels,
    },
];

fn assign_once(t: &mut Tester) -> Outcome {
    let space = t.make(Pml4, 0)?;
    let assign = |space| invoke::asid_pool_assign(&t.ipc, slot::ASID_POOL, space);
    assign(space)?;
    refused("a second ASID", assign(space), InvalidCapability)?;
    let table = t.make(PageTable, 0)?;
    let assign = |space| invoke::asid_pool_assign(&t.ipc, slot::ASID_POOL, space);
    refused("an ASID for a table", assign(table), InvalidCapability)
}

/// A pool of its own.
fn pool(t: &mut Tester) -> Result<u64, sel4_sys::Error> {
    let (memory, to) = (t.untyped(12)?, t.slot());
    invoke::asid_control_make_pool(&t.ipc, slot::ASID_CONTROL, memory, path(to))?;
    Ok(to)
}

fn pool_full(t: &mut Tester) -> Outcome {
    let pool = pool(t)?;
    let mut last = 0;
    for _ in 0..512 {
        last = t.make(Pml4, 0)?;
        invoke::asid_pool_assign(&t.ipc, pool, last)?;
    }
    let more = t.make(Pml4, 0)?;
    refused(
        "a 513th space",
        invoke::asid_pool_assign(&t.ipc, pool, more),
        DeleteFirst,
    )?;
    t.delete(last)?;
    invoke::asid_pool_assign(&t.ipc, pool, more)?;
    Ok(())
}

fn make_pool(t: &mut Tester) -> Outcome {
    let (large, used, right) = (t.untyped(13)?, t.untyped(12)?, t.untyped(12)?);
    t.make_from(used, sel4_sys::object::ObjectType::Endpoint, 0)?;
    let endpoint = t.endpoint()?;
    let to = t.slot();
    let make =
        |memory, to| invoke::asid_control_make_pool(&t.ipc, slot::ASID_CONTROL, memory, path(to));
    refused("8 KiB", make(large, to), InvalidCapability)?;
    refused("an endpoint", make(endpoint, to), InvalidCapability)?;
    refused("an untyped in use", make(used, to), RevokeFirst)?;
    refused("a used slot", make(right, endpoint), DeleteFirst)?;
    make(right, to)?;
    let again = t.slot();
    refused(
        "the same memory twice",
        invoke::asid_control_make_pool(&t.ipc, slot::ASID_CONTROL, right, path(again)),
        RevokeFirst,
    )
}

fn eight_pools(t: &mut Tester) -> Outcome {
    // The root task's own is one of the eight.
    let mut pools = [0; 7];
    for slot in &mut pools {
        *slot = pool(t)?;
    }
    refused("a ninth pool", pool(t), DeleteFirst)?;
    t.delete(pools[3])?;
    pool(t)?;
    Ok(())
}

fn delete_pool(t: &mut Tester) -> Outcome {
    let pool = pool(t)?;
    let (space, frame) = (t.make(Pml4, 0)?, t.frame()?);
    invoke::asid_pool_assign(&t.ipc, pool, space)?;
    let address = test_support::memory::fresh_address(1);
    t.map_in(space, frame, address, CapRights::READ_WRITE)?;
    t.delete(pool)?;
    let other = t.frame()?;
    let result = invoke::page_map(
        &t.ipc,
        other,
        space,
        address + 0x1000,
        CapRights::READ_WRITE,
        0,
    );
    refused("a mapping in a space without ASID", result, FailedLookup)?;
    invoke::page_unmap(&t.ipc, frame)?;
    equal("the frame's address", t.physical(frame)? % 4096, 0)
}

fn labels(t: &mut Tester) -> Outcome {
    for (object, own) in [
        (slot::ASID_CONTROL, label::X86_ASID_CONTROL_MAKE_POOL),
        (slot::ASID_POOL, label::X86_ASID_POOL_ASSIGN),
    ] {
        for wrong in [0, 1, 45, 48, 49, 70] {
            if wrong != own {
                let result = t.ipc.invoke(object, wrong, &[0; 4], &[slot::VSPACE; 2]);
                refused("another label", result, IllegalOperation)?;
            }
        }
        let short = t.ipc.invoke(object, own, &[], &[]);
        refused("a short message", short, TruncatedMessage)?;
    }
    Ok(())
}
