//! Device registers in memory.
//!
//! [`Registers`] is a range of them that the manifest grants; [`Register`] is one, whose place and
//! alignment were checked when it was made, so that reading and writing it cannot fail. Each read
//! and each write is one access of the register's width, in the order of the program.
//!
//! # Soundness
//!
//! Registers are reached by the assembler of `shared_memory::access` only. Their addresses come
//! from [`Memory::registers`], which vouches that nothing else of the program lies there. What a
//! device does when its registers are written may include reaching memory (DMA); it can
//! only reach what the manifest lets it, which the program never sees as Rust data.

#![cfg_attr(not(any(test, feature = "simulation")), no_std)]

mod register;
mod word;

pub use register::{Register, Registers};
pub use word::Word;

#[cfg(doc)]
use shared_memory::Memory;
