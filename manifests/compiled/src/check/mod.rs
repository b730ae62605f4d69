//! What holds for every compiled manifest that anybody may act on.

mod components;
mod objects;
mod pci;
mod spaces;
mod vault;

use crate::{Defect, Kind, ObjectId, System};

/// First address above what user mode may map.
const USER_END: u64 = 0x0000_7fff_ffff_f000;
/// First address above what a guest may have.
const GUEST_END: u64 = 1 << 47;

impl System {
    /// Checks that the manifest does not contradict itself.
    ///
    /// # Errors
    ///
    /// The first contradiction that is found.
    pub fn check(&self) -> Result<(), Defect> {
        objects::check(self)?;
        vault::check(self)?;
        spaces::check(self)?;
        components::check(self)?;
        pci::check(self)
    }
}

/// Fails unless `id` is an object of the kind that `wanted` accepts.
fn expect(system: &System, id: ObjectId, wanted: fn(&Kind) -> bool) -> Result<&Kind, Defect> {
    match system.kind(id) {
        Some(kind) if wanted(kind) => Ok(kind),
        _ => Err(Defect::Reference(id)),
    }
}
