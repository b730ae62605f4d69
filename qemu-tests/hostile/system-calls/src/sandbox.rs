//! The attacker's CSpace, address space, and one object of each kind.

use kernel_calls::invoke::{self, SlotPath};
use sel4_sys::object::ObjectType::{
    CNode, Endpoint, LargePage, Notification, Page, PageDirectory, PageTable, Pdpt, Pml4, Reply,
    SchedContext, Tcb, Untyped,
};
use sel4_sys::{CNodeCapData, CapRights, slot};
use test_support::faults::Watched;
use test_support::resources::path;
use test_support::threads::Entry;
use test_support::{Failure, Plan, Tester};

/// Slots of the attacker's CNode, in bits.
pub(crate) const SPACE_BITS: u64 = 6;

/// Builds an attacker that is ready to start. All but its stack comes from `prison`.
pub(crate) fn build(t: &mut Tester, prison: u64, attack: Entry) -> Result<Watched, Failure> {
    let space = t.space_with_image()?;
    let node = t.make_from(prison, CNode, SPACE_BITS)?;
    let guarded = t.mint(
        node,
        CapRights::ALL,
        CNodeCapData::new(0, 64 - SPACE_BITS).0,
    )?;
    let (faults, reply) = (t.endpoint()?, t.reply()?);
    let mut plan = Plan::new(attack, 0)
        .faults_to(faults)
        .priority(100)
        .budget(5_000, 10_000)
        .in_space(space);
    plan.mcp = 100;
    plan.cspace = (node, CNodeCapData::new(0, 64 - SPACE_BITS));
    let thread = t.prepare(plan)?;

    let endpoint = t.make_from(prison, Endpoint, 0)?;
    let answers = t.reply()?;
    t.spawn(Plan::new(crate::attack::answer, endpoint | answers << 16))?;
    let mut gifts = [0; 32];
    let mut count = 0;
    let mut give = |capability| {
        gifts[count] = capability;
        count += 1;
    };
    give(thread.tcb);
    give(guarded);
    give(space);
    give(thread.sched_context);
    for (object, size) in [
        (Untyped, 16),
        (Untyped, 12),
        (Notification, 0),
        (Reply, 0),
        (Reply, 0),
        (CNode, 4),
        (Tcb, 0),
        (SchedContext, 8),
        (Page, 0),
        (Page, 0),
        (LargePage, 0),
        (PageTable, 0),
        (PageDirectory, 0),
        (Pdpt, 0),
        (Pml4, 0),
    ] {
        // The large page alone fills a prison: it comes from the arena, which is revoked as well.
        let source = if object == LargePage { t.arena } else { prison };
        give(t.make_from(source, object, size)?);
    }
    give(endpoint);
    give(t.mint(endpoint, CapRights::ALL, 0x77)?);
    give(guests(t, prison).unwrap_or(slot::NULL));
    give(slot::ASID_CONTROL);
    give(ports(t)?);
    give(interrupt(t)?);

    for (index, gift) in (1..).zip(gifts.into_iter().take(count)) {
        let to = SlotPath {
            root: node,
            index,
            depth: SPACE_BITS,
        };
        // What cannot be copied (a table that is not mapped) is moved; an empty slot stays empty.
        let copied = invoke::cnode_copy(&t.ipc, to, path(gift), CapRights::ALL);
        if copied.is_err() && gift > slot::FIRST_DYNAMIC {
            let _ = invoke::cnode_move(&t.ipc, to, path(gift));
        }
    }
    Ok(Watched {
        thread,
        endpoint: faults,
        reply,
    })
}

/// A virtual CPU with a nested space, where the kernel has them.
fn guests(t: &mut Tester, prison: u64) -> Result<u64, Failure> {
    use sel4_sys::object::ObjectType::{NestedRoot, VCpu};
    let root = t.make_from(prison, NestedRoot, 0)?;
    invoke::asid_pool_assign(&t.ipc, slot::ASID_POOL, root)?;
    let vcpu = t.make_from(prison, VCpu, 0)?;
    invoke::vcpu_set_space(&t.ipc, vcpu, root)?;
    Ok(vcpu)
}

/// Ports that nothing listens at.
fn ports(t: &mut Tester) -> Result<u64, Failure> {
    let to = t.slot();
    invoke::io_port_control_issue(&t.ipc, slot::IO_PORT_CONTROL, 0x1000, 0x100f, path(to))?;
    Ok(to)
}

/// The handler of an interrupt that never comes.
fn interrupt(t: &mut Tester) -> Result<u64, Failure> {
    let to = t.slot();
    let source = invoke::MsiSource {
        bus: 0,
        device: 0,
        function: 0,
        handle: 0,
        vector: 77,
    };
    invoke::irq_control_get_msi(&t.ipc, slot::IRQ_CONTROL, source, path(to))?;
    Ok(to)
}
