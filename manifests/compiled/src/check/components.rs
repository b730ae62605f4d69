//! Every component is complete, and its own objects are nobody else's.

use alloc::collections::BTreeSet;

use super::expect;
use crate::{Component, Content, Defect, Kind, Region, Rights, Schedule, System};

pub(super) fn check(system: &System) -> Result<(), Defect> {
    if let Some(ports) = system.boot_console {
        expect(system, ports, |kind| matches!(kind, Kind::IoPorts { .. }))?;
    }
    let mut names = BTreeSet::new();
    let mut owned = BTreeSet::new();
    for (index, component) in system.components.iter().enumerate() {
        if component.name.is_empty() || !names.insert(&component.name) {
            return Err(Defect::ComponentName(index));
        }
        check_own_objects(system, component)?;
        for id in [
            component.tcb,
            component.cnode,
            component.space,
            component.sched_context,
            component.notification,
            component.ipc_buffer,
            component.environment,
        ] {
            if !owned.insert(id) {
                return Err(Defect::Shared(id));
            }
        }
        check_references(system, component)?;
        check_slots(system, component).ok_or(Defect::CapabilitySlot(index))?;
        if !schedule_is_possible(&component.schedule) {
            return Err(Defect::Schedule(index));
        }
        for region in &component.regions {
            if !region_is_mapped(system, component, region) {
                return Err(Defect::Region(index));
            }
        }
    }
    Ok(())
}

fn check_own_objects(system: &System, component: &Component) -> Result<(), Defect> {
    expect(system, component.tcb, |kind| matches!(kind, Kind::Tcb))?;
    expect(system, component.cnode, |kind| {
        matches!(kind, Kind::CNode { .. })
    })?;
    expect(system, component.space, |kind| matches!(kind, Kind::Pml4))?;
    expect(system, component.sched_context, |kind| {
        matches!(kind, Kind::SchedContext { .. })
    })?;
    expect(system, component.notification, |kind| {
        matches!(kind, Kind::Notification)
    })?;
    expect(system, component.ipc_buffer, |kind| {
        kind.frames().is_some_and(|frames| frames.count == 1)
    })?;
    expect(system, component.environment, |kind| {
        kind.frames()
            .is_some_and(|frames| frames.content == Content::Environment)
    })?;
    let places = [
        (component.ipc_buffer, component.ipc_buffer_address),
        (component.environment, component.environment_address),
    ];
    for (frames, address) in places {
        let mapped = system.mappings.iter().any(|mapping| {
            (mapping.space, mapping.frames, mapping.address) == (component.space, frames, address)
        });
        if !mapped {
            return Err(Defect::Reference(frames));
        }
    }
    Ok(())
}

fn check_references(system: &System, component: &Component) -> Result<(), Defect> {
    if let Some(handler) = &component.fault_handler {
        expect(system, handler.endpoint, |kind| {
            matches!(kind, Kind::Endpoint)
        })?;
    }
    for interrupt in &component.interrupts {
        expect(system, interrupt.handler, |kind| {
            matches!(
                kind,
                Kind::IoApicInterrupt { .. } | Kind::MessageInterrupt { .. }
            )
        })?;
    }
    for cpu in &component.virtual_cpus {
        expect(system, cpu.object, |kind| matches!(kind, Kind::VirtualCpu))?;
        expect(system, cpu.space, |kind| matches!(kind, Kind::NestedRoot))?;
    }
    for capability in &component.capabilities {
        // What a component holds can neither map memory nor make objects nor fill slots.
        expect(system, capability.object, |kind| {
            !matches!(
                kind,
                Kind::CNode { .. }
                    | Kind::Pml4
                    | Kind::Pdpt
                    | Kind::PageDirectory
                    | Kind::PageTable
                    | Kind::NestedRoot
                    | Kind::NestedTable
                    | Kind::Frames(_)
            )
        })?;
    }
    Ok(())
}

/// Slots are inside the CNode and used once; rights are rights.
fn check_slots(system: &System, component: &Component) -> Option<()> {
    let Some(Kind::CNode { radix }) = system.kind(component.cnode) else {
        return None;
    };
    let mut used = BTreeSet::from([0]);
    for capability in &component.capabilities {
        let inside = capability.slot >> radix == 0;
        let known = capability.rights.0 & !Rights::ALL.0 == 0;
        if !inside || !known || !used.insert(capability.slot) {
            return None;
        }
    }
    Some(())
}

fn schedule_is_possible(schedule: &Schedule) -> bool {
    schedule.priority < 255
        && (1..=schedule.period_us).contains(&schedule.budget_us)
        && schedule.extra_refills <= 6
}

/// The region is what a mapping of the component maps, and says the truth about writing.
fn region_is_mapped(system: &System, component: &Component, region: &Region) -> bool {
    let Some(frames) = system.kind(region.frames).and_then(Kind::frames) else {
        return false;
    };
    region.size <= frames.bytes()
        && (!region.tells_physical || matches!(frames.content, Content::Contiguous))
        && system.mappings.iter().any(|mapping| {
            mapping.space == component.space
                && mapping.frames == region.frames
                && mapping.address == region.address
                && region.writable == (mapping.rights == Rights::READ_WRITE)
        })
}
