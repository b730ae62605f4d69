//! Instructions of the guest that touch devices: fetched, decoded, executed here.
//!
//! The CPU reports an address and a direction but not the instruction, so the bytes are read
//! through the guest's own page tables and decoded by iced-x86. Decoded forms are kept by their bytes.

mod arithmetic;
mod cache;
mod debug_register;
mod decode;
mod execute;
mod fetch;
mod form;
mod registers;
mod string;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use cache::Cache;
pub(crate) use debug_register::debug_register_source;
pub(crate) use execute::{Fault, execute};
pub(crate) use walk::{Intent, WalkError, translate};

/// The machine's devices as an instruction reaches them.
pub(crate) trait DeviceMemory {
    /// The guest's RAM, for the other operand and for the instruction itself.
    type Ram: crate::guest_memory::GuestMemory;
    /// The guest's RAM.
    fn ram(&self) -> &Self::Ram;
    /// Reads `size` bytes.
    fn read(&mut self, address: u64, size: usize) -> u64;
    /// Writes `size` bytes.
    fn write(&mut self, address: u64, size: usize, value: u64);
}
