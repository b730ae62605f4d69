//! Every mapping lies in its space, on paging structures that exist, and over nothing else.

use alloc::{collections::BTreeSet, vec::Vec};

use super::{GUEST_END, USER_END, expect};
use crate::{Content, Defect, FrameSize, Frames, Kind, ObjectId, Rights, System};

/// Logarithms of what a page table, a page directory and a PDPT cover.
const PAGE_TABLE: u8 = 21;
const PAGE_DIRECTORY: u8 = 30;
const PDPT: u8 = 39;

/// The paging structures: space, logarithm of the size covered, first address.
type Tables = BTreeSet<(ObjectId, u8, u64)>;

/// A stretch of addresses of a space.
struct Stretch {
    space: ObjectId,
    start: u64,
    end: u64,
}

pub(super) fn check(system: &System) -> Result<(), Defect> {
    let tables = check_tables(system)?;
    let mut stretches = Vec::new();
    for mapping in &system.mappings {
        expect(system, mapping.space, |kind| matches!(kind, Kind::Pml4))?;
        let frames = frames(system, mapping.frames)?;
        check_rights(mapping.frames, frames, mapping.rights)?;
        let stretch = stretch(mapping.space, mapping.address, frames, USER_END)?;
        check_paging(&tables, &stretch, frames.size)?;
        stretches.push(stretch);
    }
    for mapping in &system.guest_mappings {
        expect(system, mapping.space, |kind| {
            matches!(kind, Kind::NestedRoot)
        })?;
        let frames = frames(system, mapping.frames)?;
        check_rights(mapping.frames, frames, Rights::READ_WRITE)?;
        let stretch = stretch(mapping.space, mapping.address, frames, GUEST_END)?;
        check_paging(&tables, &stretch, frames.size)?;
        stretches.push(stretch);
    }
    check_disjoint(&mut stretches)
}

/// Each table is of the kind that its space has, is given once, and stands behind its parent.
fn check_tables(system: &System) -> Result<Tables, Defect> {
    let mut tables = Tables::new();
    for table in &system.tables {
        let space = expect(system, table.space, |kind| {
            matches!(kind, Kind::Pml4 | Kind::NestedRoot)
        })?;
        let nested = matches!(space, Kind::NestedRoot);
        let covered = match system.kind(table.object) {
            Some(Kind::Pdpt) if !nested => PDPT,
            Some(Kind::PageDirectory) if !nested => PAGE_DIRECTORY,
            Some(Kind::PageTable) if !nested => PAGE_TABLE,
            // The kernel fills the highest missing level; so the parents tell which one it is.
            Some(Kind::NestedTable) if nested => {
                highest_missing(&tables, table.space, table.address)
                    .ok_or(Defect::TableTwice(table.address))?
            }
            _ => return Err(Defect::Reference(table.object)),
        };
        let end = if nested { GUEST_END } else { USER_END };
        if table.address >= end || !table.address.is_multiple_of(1 << covered) {
            return Err(Defect::Address(table.address));
        }
        for parent in [PAGE_DIRECTORY, PDPT] {
            if parent > covered && !holds(&tables, table.space, parent, table.address) {
                return Err(Defect::TableMissing(table.address));
            }
        }
        if !tables.insert((table.space, covered, table.address)) {
            return Err(Defect::TableTwice(table.address));
        }
    }
    Ok(tables)
}

fn highest_missing(tables: &Tables, space: ObjectId, address: u64) -> Option<u8> {
    [PDPT, PAGE_DIRECTORY, PAGE_TABLE]
        .into_iter()
        .find(|&level| !holds(tables, space, level, address))
}

fn holds(tables: &Tables, space: ObjectId, covered: u8, address: u64) -> bool {
    tables.contains(&(space, covered, address >> covered << covered))
}

fn frames(system: &System, id: ObjectId) -> Result<&Frames, Defect> {
    let kind = system.kind(id).and_then(Kind::frames);
    kind.ok_or(Defect::Reference(id))
}

/// Archive frames and environments are never writable.
fn check_rights(id: ObjectId, frames: &Frames, rights: Rights) -> Result<(), Defect> {
    let read_only = matches!(
        frames.content,
        Content::Archive { .. } | Content::Environment
    );
    let known = rights == Rights::READ || rights == Rights::READ_WRITE;
    if !known || (read_only && rights != Rights::READ) {
        return Err(Defect::Writable(id));
    }
    Ok(())
}

fn stretch(space: ObjectId, start: u64, frames: &Frames, limit: u64) -> Result<Stretch, Defect> {
    let end = start
        .checked_add(frames.bytes())
        .filter(|&end| end <= limit && start.is_multiple_of(frames.size.bytes()))
        .ok_or(Defect::Address(start))?;
    Ok(Stretch { space, start, end })
}

/// Every table that the stretch needs exists.
fn check_paging(tables: &Tables, stretch: &Stretch, size: FrameSize) -> Result<(), Defect> {
    let lowest = match size {
        FrameSize::Small => PAGE_TABLE,
        FrameSize::Large => PAGE_DIRECTORY,
    };
    let mut address = stretch.start;
    while address < stretch.end {
        if !holds(tables, stretch.space, lowest, address) {
            return Err(Defect::TableMissing(address));
        }
        // A large frame needs the place that a page table would take.
        let mut part = address;
        while size == FrameSize::Large && part < stretch.end && part >> lowest == address >> lowest
        {
            if holds(tables, stretch.space, PAGE_TABLE, part) {
                return Err(Defect::MappingOverlap(part));
            }
            part += size.bytes();
        }
        address = ((address >> lowest) + 1) << lowest;
    }
    Ok(())
}

fn check_disjoint(stretches: &mut [Stretch]) -> Result<(), Defect> {
    stretches.sort_by_key(|stretch| (stretch.space, stretch.start));
    for pair in stretches.windows(2) {
        if let [left, right] = pair
            && left.space == right.space
            && right.start < left.end
        {
            return Err(Defect::MappingOverlap(right.start));
        }
    }
    Ok(())
}
