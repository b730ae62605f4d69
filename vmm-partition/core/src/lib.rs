//! A virtual PC for one Linux guest: boot, ACPI tables, CPU policy, interrupt controllers, timers,
//! serial line, PCI and virtio devices, and what each exit of the virtual CPU asks for.
//!
//! The guest is hostile from its first instruction: every address, length, index and register that
//! it supplies is an allegation. The crate has no unsafe code, never panics on guest input, and
//! reaches the outside only through the traits of [`host`] and [`vcpu`], so that all of it runs in
//! tests on any machine.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod acpi;
pub mod boot;
mod clock;
mod cpuid;
mod device;
pub mod ending;
mod exit;
pub mod guest_memory;
pub mod host;
mod instruction;
mod interrupt;
pub mod layout;
pub mod machine;
mod msr;
mod number;
mod pci;
pub mod vcpu;
mod virtio;

pub use ending::Ending;
pub use guest_memory::{GuestAddress, GuestMemory, OutsideMemory};
pub use machine::Machine;
