//! Every slot of the vault has one use.

use alloc::vec;

use crate::{Defect, ObjectId, System};

pub(super) fn check(system: &System) -> Result<(), Defect> {
    let mut used = vec![false; 1 << system.vault_radix];
    take(&mut used, 0, System::VAULT_FIRST)?;
    for object in &system.objects {
        take(&mut used, object.slot, object.kind.capability_count())?;
    }
    let mut own_capabilities_mapped = vec![false; system.objects.len()];
    let in_components = system.mappings.iter().map(|m| (m.frames, m.slot));
    let in_guests = system.guest_mappings.iter().map(|m| (m.frames, m.slot));
    for (frames, slot) in in_components.chain(in_guests) {
        check_mapped(
            system,
            frames,
            slot,
            &mut used,
            &mut own_capabilities_mapped,
        )?;
    }
    Ok(())
}

/// A mapping uses the frames' own capabilities, once, or a run of copies that nothing else uses.
fn check_mapped(
    system: &System,
    frames: ObjectId,
    slot: u32,
    used: &mut [bool],
    own_capabilities_mapped: &mut [bool],
) -> Result<(), Defect> {
    let object = system.object(frames).ok_or(Defect::Reference(frames))?;
    if slot != object.slot {
        return take(used, slot, object.kind.capability_count());
    }
    let index = usize::try_from(frames.0).map_err(|_| Defect::Reference(frames))?;
    match own_capabilities_mapped.get_mut(index) {
        Some(mapped) if !*mapped => *mapped = true,
        _ => return Err(Defect::VaultSlot(slot)),
    }
    Ok(())
}

fn take(used: &mut [bool], first: u32, count: u32) -> Result<(), Defect> {
    let outside = Defect::VaultSlot(first);
    let start = usize::try_from(first).map_err(|_| outside)?;
    let end = first.checked_add(count).ok_or(outside)?;
    let end = usize::try_from(end).map_err(|_| outside)?;
    for slot in used.get_mut(start..end).ok_or(outside)? {
        if core::mem::replace(slot, true) {
            return Err(outside);
        }
    }
    Ok(())
}
