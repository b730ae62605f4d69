//! For a test: uses the authority after it was given up, and reports what the kernel answers.
//!
//! The serial line's ports are kept until the report is out, and then given up and tried as well: if that
//! succeeded, `STILL THERE` would appear on the line.

use core::fmt::Write;

use kernel_calls::{
    Ipc,
    invoke::{self, IoApicInput, MsiSource, Retype, SlotPath},
};
use root_core::WorkingSlot;
use sel4_sys::{Error, boot_info::BootInfo, invocation::INVALID, object::ObjectType, slot};

use crate::{boot::ImageSlots, serial::Serial};

/// Slots of the root server's CNode.
const SLOTS: u64 = 1 << slot::ROOT_CNODE_BITS;
/// Where the vault was.
const VAULT: u64 = 1 << 63;
/// A slot that is empty.
const EMPTY: SlotPath = SlotPath {
    root: slot::CNODE,
    index: SLOTS - 1,
    depth: 64,
};

/// What is to be tried; noted while bootinfo can still be read.
pub(crate) struct Probe {
    image: ImageSlots,
    untyped: u64,
    sched_control: u64,
}

impl Probe {
    pub(crate) fn new(info: &BootInfo, image: ImageSlots) -> Self {
        Self {
            image,
            untyped: info.untyped.end - 1,
            sched_control: info.sched_control.start,
        }
    }

    /// Tries everything and reports it.
    pub(crate) fn report(&self, ipc: Ipc, serial: &mut Serial) {
        report(ipc, serial, self);
    }
}

fn report(ipc: Ipc, serial: &mut Serial, probe: &Probe) {
    for (what, answer) in attempts(&ipc, probe) {
        let verdict = match answer {
            Ok(()) => "ALLOWED",
            Err(_) => "refused",
        };
        let _ = writeln!(serial, "surrender: {what}: {verdict} ({answer:?})");
    }
    let left = remaining(&ipc, serial.slot(), probe.image);
    let _ = writeln!(
        serial,
        "surrender: {left} capabilities left besides the thread, its CNode, time, memory and this line"
    );
    let path = SlotPath {
        index: serial.slot().0,
        ..EMPTY
    };
    let _ = invoke::cnode_delete(&ipc, path);
    let _ = writeln!(serial, "surrender: STILL THERE");
}

/// One attempt for each kind of authority that the root server had.
fn attempts(ipc: &Ipc, probe: &Probe) -> [(&'static str, Result<(), Error>); 9] {
    let retype = Retype {
        object: ObjectType::Page,
        size_bits: 0,
        destination: SlotPath {
            root: slot::CNODE,
            index: 0,
            depth: 0,
        },
        offset: EMPTY.index,
        count: 1,
    };
    let input = IoApicInput {
        io_apic: 0,
        pin: 1,
        level: 0,
        polarity: 0,
        vector: 1,
    };
    let source = MsiSource {
        bus: 0,
        device: 4,
        function: 0,
        handle: 0,
        vector: 2,
    };
    let (configuration, last) = (0xcf8, 0xcff);
    let untyped = probe.untyped;
    [
        (
            "make an object",
            invoke::untyped_retype(ipc, untyped, &retype),
        ),
        (
            "reach PCI configuration",
            invoke::io_port_control_issue(ipc, slot::IO_PORT_CONTROL, configuration, last, EMPTY),
        ),
        (
            "take an interrupt line",
            invoke::irq_control_get_io_apic(ipc, slot::IRQ_CONTROL, input, EMPTY),
        ),
        (
            "take a message interrupt",
            invoke::irq_control_get_msi(ipc, slot::IRQ_CONTROL, source, EMPTY),
        ),
        (
            "make address space identifiers",
            invoke::asid_control_make_pool(ipc, slot::ASID_CONTROL, untyped, EMPTY),
        ),
        (
            "identify an address space",
            invoke::asid_pool_assign(ipc, slot::ASID_POOL, slot::VSPACE),
        ),
        (
            "stop a component through the vault",
            invoke::tcb_suspend(ipc, VAULT | 3),
        ),
        (
            "copy a capability from the vault",
            invoke::cnode_copy(
                ipc,
                EMPTY,
                SlotPath {
                    root: VAULT | 1,
                    index: 3,
                    depth: 1,
                },
                sel4_sys::CapRights::ALL,
            ),
        ),
        (
            "set somebody's processor time",
            invoke::sched_control_configure(
                ipc,
                probe.sched_control,
                slot::SCHED_CONTEXT,
                invoke::SchedParams {
                    budget_us: 1000,
                    period_us: 1000,
                    extra_refills: 0,
                    badge: 0,
                },
            ),
        ),
    ]
}

/// How many slots answer other than an empty one does, besides those that are meant to be left.
fn remaining(ipc: &Ipc, serial: WorkingSlot, image: ImageSlots) -> usize {
    let own = [
        slot::TCB,
        slot::CNODE,
        slot::VSPACE,
        slot::IPC_BUFFER,
        slot::SCHED_CONTEXT,
        serial.0,
    ];
    let working =
        (0..SLOTS).filter(|number| !own.contains(number) && !image.contains(WorkingSlot(*number)));
    let vault = (0..SLOTS).map(|number| VAULT | number);
    // No object knows the label 0. An empty slot answers InvalidCapability, an object something else.
    let is_there =
        |pointer: &u64| ipc.invoke(*pointer, INVALID, &[], &[]) != Err(Error::InvalidCapability);
    working.chain(vault).filter(is_there).count()
}
