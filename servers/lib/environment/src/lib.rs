//! What a component is told at its start: names of its capabilities, regions and parameters.
//!
//! The root server writes a [`Description`] into a page that the component can only read; the
//! component's runtime reads it back as an [`Environment`]. Nothing here allocates, because the
//! component's heap is itself one of the regions described.

#![no_std]
#![forbid(unsafe_code)]

mod description;
mod entry;
mod error;
mod list;
mod lookup;
mod name;

pub use description::Description;
pub use entry::{Capability, Parameter, Region, Sharing, Value};
pub use error::{DecodeError, EncodeError, Kind, Missing};
pub use list::List;
pub use lookup::Environment;
pub use name::Name;

/// Bytes at the start of the page that hold the length of what follows.
pub const LENGTH_PREFIX: usize = 4;

/// Where every component finds its environment.
pub const ADDRESS: u64 = 0x1000_1000;

/// Bytes that are mapped there; a description must fit.
pub const SIZE: usize = 16 * 1024;
