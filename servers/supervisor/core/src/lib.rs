//! What the supervisor makes of faults and reports.
//!
//! [`Fault`] reads the kernel's message and says in words what happened; [`Policy`] says what the
//! system does about the end of a guest or of a component; [`Restarts`] counts how often a component was started
//! afresh.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod exception;
mod fault;
mod guests;
mod policy;
mod restarts;

pub use fault::{Access, Fault, LookupFailure};
pub use guests::{Guests, Remaining};
pub use policy::{Action, Policy, UnknownAction};
pub use restarts::Restarts;
