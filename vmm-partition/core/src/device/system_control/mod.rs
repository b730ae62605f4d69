//! System control port B (0x61): the gate and output of the timer chip's channel 2. Linux
//! calibrates with it; there is no speaker.

mod logic;
mod registers;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use state::SystemControl;
