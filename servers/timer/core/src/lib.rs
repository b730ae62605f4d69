//! What the timer server decides: whom to wake when, and how to program the HPET for it.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod hpet;
mod rate;
mod schedule;

pub use hpet::{Armed, Hpet, HpetError};
pub use rate::Rate;
pub use schedule::Schedule;
