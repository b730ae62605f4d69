//! Address spaces: paging structures and address-space identifiers.

mod asid;
mod entry;
mod map;
mod walk;

pub(crate) use entry::{Attributes, Entry};
