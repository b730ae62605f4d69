//! The real-time clock (Motorola MC146818) with its battery-backed RAM: read for the date at boot.
//! Its alarm and periodic interrupts are not wired; the time cannot be set from the guest.

mod logic;
mod registers;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use registers::CENTURY;
pub(crate) use state::Rtc;
