//! QEMU as the machine: how it is configured, and what its end means.

mod command_output;
mod control;
mod ending;
mod machine;
mod network;
mod session;
mod watch;

pub(crate) use command_output::CommandOutput;
pub(crate) use control::Control;
pub(crate) use ending::Ending;
pub(crate) use machine::{Firmware, Machine, OnReset, Time};
pub(crate) use network::{MAC, Network};
pub(crate) use session::{Complaints, Event, Remarks, Session};
pub(crate) use watch::{Watch, find};
