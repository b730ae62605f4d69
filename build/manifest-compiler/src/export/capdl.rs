//! The compiled system in the manner of capDL: objects, then the capabilities in each of them.

use std::fmt::Write as _;

use compiled_manifest::{Caching, Content, Frames, Kind, ObjectId, Rights, System};

/// The system as text.
#[must_use]
pub fn export(system: &System) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(system, &mut text);
    text
}

fn write(system: &System, text: &mut String) -> std::fmt::Result {
    writeln!(text, "-- system {} on {}", system.name, system.hardware)?;
    writeln!(text, "arch x86_64\n\nobjects {{")?;
    writeln!(text, "  vault = cnode ({} bits)", system.vault_radix)?;
    for object in &system.objects {
        writeln!(
            text,
            "  {} = {}  -- {}",
            object.name,
            kind(system, &object.kind),
            object.why
        )?;
    }
    writeln!(text, "}}\n\ncaps {{")?;
    write_vault(system, text)?;
    write_components(system, text)?;
    write_spaces(system, text)?;
    writeln!(text, "}}")
}

fn write_vault(system: &System, text: &mut String) -> std::fmt::Result {
    writeln!(
        text,
        "  vault {{  -- nobody holds a capability to it but itself"
    )?;
    writeln!(text, "    {}: vault", System::VAULT_SELF)?;
    writeln!(text, "    {}: asid_pool", System::VAULT_ASID_POOL)?;
    let mapped = system.mappings.iter().map(|m| (m.frames, m.slot));
    let in_guests = system.guest_mappings.iter().map(|m| (m.frames, m.slot));
    let copies = mapped.chain(in_guests).filter(|&(frames, slot)| {
        system
            .object(frames)
            .is_some_and(|object| object.slot != slot)
    });
    let copies: Vec<_> = copies.collect();
    let own = (0..).map(ObjectId).zip(&system.objects);
    let own = own.map(|(id, object)| (id, object.slot));
    for (id, slot) in own.chain(copies) {
        let count = system.kind(id).map_or(1, Kind::capability_count);
        match count {
            1 => writeln!(text, "    {slot}: {}", name(system, id))?,
            _ => writeln!(
                text,
                "    {slot}..{}: {}",
                slot + count - 1,
                name(system, id)
            )?,
        }
    }
    writeln!(text, "  }}")
}

fn write_components(system: &System, text: &mut String) -> std::fmt::Result {
    for component in &system.components {
        let schedule = component.schedule;
        writeln!(text, "  {} {{", name(system, component.tcb))?;
        writeln!(text, "    cspace: {}", name(system, component.cnode))?;
        writeln!(text, "    vspace: {}", name(system, component.space))?;
        writeln!(
            text,
            "    ipc_buffer: {}",
            name(system, component.ipc_buffer)
        )?;
        writeln!(
            text,
            "    bound_notification: {}",
            name(system, component.notification)
        )?;
        writeln!(
            text,
            "    sched_context: {} (priority {}, {} us of {} us)",
            name(system, component.sched_context),
            schedule.priority,
            schedule.budget_us,
            schedule.period_us
        )?;
        if let Some(handler) = &component.fault_handler {
            let endpoint = name(system, handler.endpoint);
            writeln!(
                text,
                "    fault_endpoint: {endpoint} (badge: {:#x})",
                handler.badge
            )?;
        }
        writeln!(text, "  }}\n  {} {{", name(system, component.cnode))?;
        for capability in &component.capabilities {
            writeln!(
                text,
                "    {}: {} ({}, badge: {:#x})  -- {}: {}",
                capability.slot,
                name(system, capability.object),
                rights(capability.rights),
                capability.badge,
                capability.name,
                capability.why
            )?;
        }
        writeln!(text, "  }}")?;
        for interrupt in &component.interrupts {
            let (handler, signal) = (interrupt.handler, component.notification);
            let (handler, signal) = (name(system, handler), name(system, signal));
            writeln!(
                text,
                "  {handler} {{ 0: {signal} (W, badge: {:#x}) }}",
                interrupt.badge
            )?;
        }
    }
    Ok(())
}

fn write_spaces(system: &System, text: &mut String) -> std::fmt::Result {
    for table in &system.tables {
        let (space, object) = (name(system, table.space), name(system, table.object));
        writeln!(text, "  {space} {{ {:#x}: {object} }}", table.address)?;
    }
    for mapping in &system.mappings {
        let (space, frames) = (name(system, mapping.space), name(system, mapping.frames));
        let caching = match mapping.caching {
            Caching::WriteBack => "",
            Caching::Uncached => ", uncached",
        };
        let rights = rights(mapping.rights);
        writeln!(
            text,
            "  {space} {{ {:#x}: {frames} ({rights}{caching}) }}",
            mapping.address
        )?;
    }
    for mapping in &system.guest_mappings {
        let (space, frames) = (name(system, mapping.space), name(system, mapping.frames));
        writeln!(
            text,
            "  {space} {{ {:#x}: {frames} (RW) }}",
            mapping.address
        )?;
    }
    Ok(())
}

fn name(system: &System, id: ObjectId) -> &str {
    system.object(id).map_or("?", |object| &object.name)
}

fn rights(rights: Rights) -> String {
    let letters = [
        (Rights::READ, 'R'),
        (Rights::WRITE, 'W'),
        (Rights(4), 'G'),
        (Rights(8), 'P'),
    ];
    let held = letters
        .into_iter()
        .filter(|(right, _)| rights.contains(*right));
    held.map(|(_, letter)| letter).collect()
}

fn kind(system: &System, kind: &Kind) -> String {
    match kind {
        Kind::Tcb => "tcb".into(),
        Kind::Endpoint => "ep".into(),
        Kind::Notification => "notification".into(),
        Kind::Reply => "rtreply".into(),
        Kind::SchedContext { size_bits } => format!("sc ({size_bits} bits)"),
        Kind::CNode { radix } => format!("cnode ({radix} bits)"),
        Kind::Pml4 => "pml4".into(),
        Kind::Pdpt => "pdpt".into(),
        Kind::PageDirectory => "pd".into(),
        Kind::PageTable => "pt".into(),
        Kind::VirtualCpu => "vcpu".into(),
        Kind::NestedRoot => "nested_root".into(),
        Kind::NestedTable => "nested_table".into(),
        Kind::Frames(frames) => self::frames(system, frames),
        Kind::IoPorts { first, last } => format!("io_ports (ports: [{first:#x}..{last:#x}])"),
        Kind::IoApicInterrupt {
            io_apic,
            pin,
            trigger,
            vector,
        } => {
            format!("ioapic_irq (ioapic: {io_apic}, pin: {pin}, {trigger:?}, vector: {vector})")
        }
        Kind::MessageInterrupt { source, vector } => {
            format!("msi_irq (pci: {source}, vector: {vector})")
        }
    }
}

fn frames(system: &System, frames: &Frames) -> String {
    let file = |index: u32| {
        let at = usize::try_from(index).ok();
        at.and_then(|at| system.files.get(at))
            .map_or("?", |file| &file.name)
    };
    let content = match frames.content {
        Content::Zero => "zero".into(),
        Content::Contiguous => "zero, contiguous".into(),
        Content::Environment => "environment".into(),
        Content::Copied {
            file: index,
            offset,
            length,
        } => {
            format!(
                "copy of {length:#x} bytes of {} at {offset:#x}",
                file(index)
            )
        }
        Content::Archive {
            file: index,
            offset,
        } => {
            format!("{} at {offset:#x}", file(index))
        }
        Content::Device { physical } => format!("paddr: {physical:#x}"),
    };
    let size = frames.size.bytes() >> 10;
    format!("frame[{}] ({size}k, {content})", frames.count)
}
