//! One file per command.

pub(crate) mod boot;
pub(crate) mod build;
pub(crate) mod guest;
