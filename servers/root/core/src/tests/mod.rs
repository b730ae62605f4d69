//! The whole of the root server's work against a kernel made up for it.

mod fake_kernel;
mod fake_pci;
mod small_system;
mod whole;
