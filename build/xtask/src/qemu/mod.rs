//! QEMU as the machine: how it is configured, and what its end means.

mod ending;
mod machine;

pub(crate) use ending::Ending;
pub(crate) use machine::{Machine, Time};
