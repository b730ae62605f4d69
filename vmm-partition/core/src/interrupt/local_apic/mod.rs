//! The CPU's local APIC, in x2APIC mode only (registers are MSRs, Intel SDM volume 3, 11.12).
//!
//! Firmware hands the machine over with x2APIC mode on, and leaving the mode is refused with
//! #GP: no register page at 0xfee00000, no emulation of reads through memory.

mod logic;
mod registers;
mod state;
#[cfg(test)]
mod tests;
mod timer;

pub(crate) use state::{AccessError, LocalApic};
