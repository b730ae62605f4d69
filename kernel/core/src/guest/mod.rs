//! Guests: a thread runs a virtual CPU, and learns why the guest stopped.

mod exit;
mod register;
mod request;
mod run;

pub(crate) use register::checked_register;
pub(crate) use request::RunRequest;
