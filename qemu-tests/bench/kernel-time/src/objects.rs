//! Objects made, taken and destroyed by the hundred.

use kernel_calls::invoke::{self, Retype, SlotPath};
use sel4_sys::object::ObjectType::{self, Endpoint, Page, Pml4, Tcb, Untyped, VCpu};
use sel4_sys::{Error, slot};
use test_support::cpu::ticks;
use test_support::resources::retype_into;
use test_support::{Outcome, Test, Tester};

use crate::report;

pub(crate) const WORKLOADS: &[Test] = &[
    Test {
        id: "retype-many",
        rule: "Retypes of 256 objects, then their revocation",
        run: retype_many,
    },
    Test {
        id: "many-ports",
        rule: "the issue of 61,440 I/O ports, and their deletion",
        run: many_ports,
    },
    Test {
        id: "full-asid-pool",
        rule: "the deletion of an ASID pool with many address spaces",
        run: full_asid_pool,
    },
];

fn make_many(t: &mut Tester, source: u64, object: ObjectType) -> Result<u64, Error> {
    let first = t.slots(256);
    let retype = Retype {
        count: 256,
        ..retype_into(object, 0, first)
    };
    let start = ticks();
    invoke::untyped_retype(&t.ipc, source, &retype)?;
    Ok(ticks() - start)
}

fn retype_many(t: &mut Tester) -> Outcome {
    let source = t.untyped(22)?;
    for object in [Tcb, VCpu, Page] {
        make_many(t, source, object)?;
        t.revoke(source)?;
    }
    // Their memory is one step's, zeroed already: nothing but 256 new objects.
    t.make_from(source, Endpoint, 0)?;
    let took = make_many(t, source, Endpoint)?;
    report("time-retype-256", took);
    t.revoke(source)?;
    Ok(())
}

fn many_ports(t: &mut Tester) -> Outcome {
    let to = t.slot();
    let path = SlotPath {
        root: slot::CNODE,
        index: to,
        depth: 64,
    };
    let start = ticks();
    invoke::io_port_control_issue(&t.ipc, slot::IO_PORT_CONTROL, 0x1000, 0xffff, path)?;
    report("time-issue-ports", ticks() - start);
    let start = ticks();
    t.delete(to)?;
    report("time-delete-ports", ticks() - start);
    Ok(())
}

fn full_asid_pool(t: &mut Tester) -> Outcome {
    let memory = t.make(Untyped, 12)?;
    let pool = t.slot();
    let path = SlotPath {
        root: slot::CNODE,
        index: pool,
        depth: 64,
    };
    invoke::asid_control_make_pool(&t.ipc, slot::ASID_CONTROL, memory, path)?;
    for _ in 0..511 {
        let root = t.make(Pml4, 0)?;
        invoke::asid_pool_assign(&t.ipc, pool, root)?;
    }
    let root = t.make(Pml4, 0)?;
    let start = ticks();
    invoke::asid_pool_assign(&t.ipc, pool, root)?;
    report("time-last-asid", ticks() - start);
    let start = ticks();
    t.delete(pool)?;
    report("time-delete-asid-pool", ticks() - start);
    Ok(())
}
