//! What the guest learns from CPUID.
//!
//! The table is built once from the host's answers through lists of what is allowed, so that a
//! feature that this monitor has not considered is hidden, and an exit is a look-up.

mod features;
mod policy;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use policy::build;
pub(crate) use table::{Leaf, Table};
