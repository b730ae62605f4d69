//! The pair of 8259 interrupt controllers, as far as operating systems probe them before they
//! mask them for good: initialization, masks, and status. No interrupt is delivered through it;
//! the ACPI tables name the I/O APIC for every line.

mod logic;
mod registers;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use state::Pic;
