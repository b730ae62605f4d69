//! The I/O APIC: 24 inputs, each with an entry that says which message it sends (Intel 82093AA).

mod logic;
mod registers;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use state::IoApic;
