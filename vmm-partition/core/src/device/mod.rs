//! The devices of the PC's board, reached through ports.
//!
//! Every device has the same shape: `registers` (numbers of its data sheet), `state`, `logic`,
//! `tests`. A device does not know who calls it; what it wants of the machine it says in return values.

mod pit;
mod power_management;
mod rtc;
mod serial;
mod system_control;

pub(crate) use pit::Pit;
pub(crate) use power_management::{PowerManagement, Request, SLEEP_TYPE_OFF};
pub(crate) use rtc::{CENTURY, Rtc};
pub(crate) use serial::Serial;
pub(crate) use system_control::SystemControl;
