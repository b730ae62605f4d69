//! The first serial port: a 16550A (National Semiconductor PC16550D) at 0x3f8, interrupt 4.
//!
//! Its line is the console channel. Bytes are collected to lines before the console is told, and
//! the transmitter says "empty" while there is room. A console that takes nothing lets it fill;
//! after a second bytes are dropped and counted, so that a guest that polls the transmitter goes on.

mod logic;
mod registers;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use state::Serial;
