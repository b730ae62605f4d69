//! What the console decides: which bytes reach the screen, in which order, and who gets a keystroke.
//!
//! The [`Multiplexer`] is told what components and guests print and which keys are pressed, and
//! yields bytes for the serial line. It owns no channel and no device. [`Uart`] drives a 16550 over
//! whatever gives access to its ports.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod backlog;
mod command;
mod multiplexer;
mod screen;
mod source;
mod text;
mod uart;

pub use multiplexer::{Multiplexer, Recipient};
pub use screen::TERMINAL_RESET;
pub use uart::{Ports, Uart};
