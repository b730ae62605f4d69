//! ACPI fixed hardware: PM1 event and control registers, PM timer (ACPI 6.5, 4.8).

mod logic;
mod registers;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use registers::SLEEP_TYPE_OFF;
pub(crate) use state::{PowerManagement, Request};
