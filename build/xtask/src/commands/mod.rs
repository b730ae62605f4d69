//! One file per command.

pub(crate) mod bench;
pub(crate) mod boot;
pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod clean;
pub(crate) mod doctor;
pub(crate) mod guest;
pub(crate) mod image;
pub(crate) mod mutate;
pub(crate) mod page;
pub(crate) mod pour;
pub(crate) mod profile;
pub(crate) mod run;
pub(crate) mod test;
pub(crate) mod volume;
