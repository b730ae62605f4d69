//! Starting Linux by its 64-bit boot protocol (Linux, Documentation/arch/x86/boot.rst, version 2.12 and later).
//!
//! The monitor plays boot loader and firmware at once: it checks the kernel image, lays out memory,
//! writes the ACPI tables and boot parameters, and sets the CPU to the state that the protocol asks for.

mod bzimage;
mod error;
mod image;
mod initial_state;
mod loader;
mod memory_map;
mod parameters;
mod relocation;
#[cfg(test)]
mod tests;
mod vmlinux;

pub use error::BootError;
pub use image::Image;
pub use loader::{Files, load};
