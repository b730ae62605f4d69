//! What the targets share: the archive of a small system, and a kernel that grants everything.
#![forbid(unsafe_code)]

mod base;
mod kernel;
mod pci;

pub use base::{MANIFEST_START, archive, manifest};
pub use kernel::Grantor;
