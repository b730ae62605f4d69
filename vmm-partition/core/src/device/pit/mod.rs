//! The 8254 timer chip: channel 0 (interrupts) and channel 2 (its output is read back through
//! port 0x61); channel 1 counts for nobody. Calibration loops of operating systems use it.

mod logic;
mod registers;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use state::Pit;
