//! What the root server does: builds the system that the compiled manifest lists, and nothing else.
//!
//! It decides as little as possible. Which objects there are, who holds which capability, what is
//! mapped where: all of that is in the manifest. Left to decide here is which piece of RAM becomes which
//! object ([`ram`](crate::ram)), and the order of the steps ([`build`]).
//!
//! The kernel stands behind [`Kernel`], so that tests run the whole of it on the host.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod archive;
mod build;
mod clock;
mod components;
mod device_memory;
mod devices;
mod entropy;
mod environments;
mod error;
mod fill;
mod kernel;
mod objects;
mod own_window;
mod pci;
mod ram;
mod shape;
mod spaces;
mod surrender;
#[cfg(test)]
mod tests;
mod untyped;
mod working_slots;

pub use build::{Built, Machine, build};
pub use entropy::{EntropyError, Hardware, Seeds};
pub use error::BuildError;
pub use kernel::{IoApicInput, Kernel, SchedParams, Slot, Thread, WorkingSlot};
pub use surrender::surrender;
pub use untyped::Untyped;
