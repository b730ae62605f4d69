//! Threads and what they hold.

use compiled_manifest::{Component, Kind, Rights, System};
use sel4_sys::message::CNodeCapData;

use crate::{
    BuildError, Kernel, SchedParams, Slot, Thread, WorkingSlot, error::Naming, spaces::object,
};

/// Sets every component up. `scratch` is an empty slot, and empty again afterwards.
pub(crate) fn build(
    kernel: &mut impl Kernel,
    system: &System,
    scratch: WorkingSlot,
) -> Result<(), BuildError> {
    for component in &system.components {
        fill_cnode(kernel, system, component)?;
        connect_interrupts(kernel, system, component, scratch)?;
        for cpu in &component.virtual_cpus {
            let (name, slot) = object(system, cpu.object);
            let space = object(system, cpu.space).1;
            kernel
                .set_guest_space(slot, space)
                .naming(name, "does not take its guest's memory")?;
        }
        set_up_thread(kernel, system, component, scratch)?;
    }
    Ok(())
}

/// Starts every component, the most urgent first.
pub(crate) fn start(kernel: &mut impl Kernel, system: &System) -> Result<(), BuildError> {
    for component in &system.components {
        let (name, tcb) = object(system, component.tcb);
        kernel.resume(tcb).naming(name, "cannot be started")?;
    }
    Ok(())
}

fn fill_cnode(
    kernel: &mut impl Kernel,
    system: &System,
    component: &Component,
) -> Result<(), BuildError> {
    let (cnode, radix) = cnode(system, component);
    for capability in &component.capabilities {
        let to = Slot::Component {
            cnode,
            radix,
            slot: capability.slot,
        };
        let from = object(system, capability.object).1;
        let done = if capability.badge == 0 {
            kernel.copy(to, from, capability.rights)
        } else {
            kernel.mint(to, from, capability.rights, capability.badge)
        };
        done.naming(&capability.name, "cannot be granted")?;
    }
    Ok(())
}

/// Interrupts signal badged capabilities, of which the kernel keeps copies.
fn connect_interrupts(
    kernel: &mut impl Kernel,
    system: &System,
    component: &Component,
    scratch: WorkingSlot,
) -> Result<(), BuildError> {
    let scratch = Slot::Working(scratch);
    let notification = object(system, component.notification).1;
    for interrupt in &component.interrupts {
        let (name, handler) = object(system, interrupt.handler);
        kernel
            .mint(scratch, notification, Rights::WRITE, interrupt.badge)
            .and_then(|()| kernel.set_notification(handler, scratch))
            .and_then(|()| kernel.delete(scratch))
            .naming(name, "cannot be connected")?;
    }
    Ok(())
}

fn set_up_thread(
    kernel: &mut impl Kernel,
    system: &System,
    component: &Component,
    scratch: WorkingSlot,
) -> Result<(), BuildError> {
    let (name, tcb) = object(system, component.tcb);
    let (_, radix) = cnode(system, component);
    let scratch = Slot::Working(scratch);
    let schedule = component.schedule;
    let context = object(system, component.sched_context);
    let parameters = SchedParams {
        budget_us: schedule.budget_us,
        period_us: schedule.period_us,
        extra_refills: schedule.extra_refills,
    };
    kernel
        .configure_time(context.1, parameters)
        .naming(context.0, "does not take its budget")?;
    if let Some(handler) = &component.fault_handler {
        let endpoint = object(system, handler.endpoint).1;
        kernel
            .mint(scratch, endpoint, Rights::CALL, handler.badge)
            .naming(name, "gets no fault handler")?;
    }
    let fault_endpoint = component.fault_handler.map(|_| scratch);
    let thread = Thread {
        tcb,
        cnode: (
            object(system, component.cnode).1,
            CNodeCapData::new(0, 64 - u64::from(radix)),
        ),
        space: object(system, component.space).1,
        ipc_buffer: (
            object(system, component.ipc_buffer).1,
            component.ipc_buffer_address,
        ),
        sched_context: context.1,
        notification: object(system, component.notification).1,
        fault_endpoint,
        priority: schedule.priority,
    };
    kernel
        .configure_thread(&thread)
        .naming(name, "cannot be set up")?;
    if fault_endpoint.is_some() {
        kernel
            .delete(scratch)
            .naming(name, "keeps its fault handler")?;
    }
    let (entry, stack) = (component.entry, component.stack_top);
    kernel
        .set_registers(tcb, entry, stack, component.environment_address)
        .naming(name, "does not take its registers")
}

/// The vault's slot and the radix of the component's CNode.
fn cnode(system: &System, component: &Component) -> (u32, u8) {
    match system.object(component.cnode) {
        Some(compiled_manifest::Object {
            kind: Kind::CNode { radix },
            slot,
            ..
        }) => (*slot, *radix),
        _ => (0, 1),
    }
}
