//! Address spaces: identifiers, paging structures, mappings.

use compiled_manifest::{Kind, Mapping, ObjectId, Rights, System};

use crate::{BuildError, Kernel, Slot, error::Naming, shape::object_type};

/// Sets up every address space, of components and of guests.
pub(crate) fn build(kernel: &mut impl Kernel, system: &System) -> Result<(), BuildError> {
    for object in &system.objects {
        if matches!(object.kind, Kind::Pml4 | Kind::NestedRoot) {
            kernel
                .assign_space(Slot::Vault(object.slot))
                .naming(&object.name, "gets no identifier")?;
        }
    }
    for table in &system.tables {
        let (name, slot) = object(system, table.object);
        let shape = system.kind(table.object).and_then(object_type);
        if let Some((shape, _)) = shape {
            let space = object(system, table.space).1;
            kernel
                .map_table(shape, slot, space, table.address)
                .naming(name, "cannot be mapped")?;
        }
    }
    for mapping in &system.mappings {
        map(kernel, system, mapping)?;
    }
    for mapping in &system.guest_mappings {
        let (name, _) = object(system, mapping.frames);
        let space = object(system, mapping.space).1;
        let first = capabilities(kernel, system, mapping.frames, mapping.slot)?;
        each_frame(system, mapping.frames, |index, offset| {
            let address = mapping.address + offset;
            kernel
                .map_in_guest(first.behind(index), space, address)
                .naming(name, "cannot be mapped in the guest")
        })?;
    }
    Ok(())
}

fn map(kernel: &mut impl Kernel, system: &System, mapping: &Mapping) -> Result<(), BuildError> {
    let (name, _) = object(system, mapping.frames);
    let space = object(system, mapping.space).1;
    let access = (mapping.rights, mapping.caching);
    let first = capabilities(kernel, system, mapping.frames, mapping.slot)?;
    each_frame(system, mapping.frames, |index, offset| {
        let address = mapping.address + offset;
        kernel
            .map_frame(first.behind(index), space, address, access)
            .naming(name, "cannot be mapped")
    })
}

/// The capabilities that a mapping uses: the frames' own, or copies that are made now.
fn capabilities(
    kernel: &mut impl Kernel,
    system: &System,
    frames: ObjectId,
    slot: u32,
) -> Result<Slot, BuildError> {
    let (name, own) = object(system, frames);
    let first = Slot::Vault(slot);
    if first != own {
        each_frame(system, frames, |index, _| {
            kernel
                .copy(first.behind(index), own.behind(index), Rights::ALL)
                .naming(name, "cannot be copied")
        })?;
    }
    Ok(first)
}

/// Does something with the number and the offset of every frame of a run.
fn each_frame(
    system: &System,
    frames: ObjectId,
    mut act: impl FnMut(u32, u64) -> Result<(), BuildError>,
) -> Result<(), BuildError> {
    let Some(run) = system.kind(frames).and_then(Kind::frames) else {
        return Ok(());
    };
    (0..run.count).try_for_each(|index| act(index, u64::from(index) * run.size.bytes()))
}

/// Name and slot of an object of a checked manifest.
pub(crate) fn object(system: &System, id: ObjectId) -> (&str, Slot) {
    match system.object(id) {
        Some(object) => (&object.name, Slot::Vault(object.slot)),
        // A checked manifest refers to nothing that it lacks; slot 0 is empty, so the kernel would refuse.
        None => ("a missing object", Slot::Vault(0)),
    }
}
