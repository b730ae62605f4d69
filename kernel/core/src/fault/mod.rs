//! Faults: threads that cannot go on, and the handlers that help them.

mod handler;
mod message;
mod reply;
mod sanitise;

pub(crate) use handler::{FaultReport, is_fault_handler};
pub(crate) use sanitise::sanitised;
