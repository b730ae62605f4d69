//! QEMU as the machine: how it is configured, and what its end means.

mod command_output;
mod ending;
mod instruction_counter;
mod machine;
mod session;
mod watch;

pub(crate) use command_output::CommandOutput;
pub(crate) use ending::Ending;
pub(crate) use instruction_counter::InstructionCounter;
pub(crate) use machine::{Firmware, Machine, OnReset, Time};
pub(crate) use session::{Event, Session};
pub(crate) use watch::{Watch, find};
