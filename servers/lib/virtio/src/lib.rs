//! What the drivers of virtio devices (virtio 1.2) share, safe and testable on the host.
//!
//! - [`transport`]: the registers through which a device is set up; [`pci`]: those of virtio over PCI;
//! - [`start`]: the steps from a reset to a running device;
//! - [`queue`]: the split virtqueue in memory that the device reads and writes.
//!
//! A device is not trusted to keep the rules: whatever it writes is read once and checked. What it
//! does with memory that it was not told of is the business of the IOMMU.

#![no_std]
#![forbid(unsafe_code)]

pub mod pci;
pub mod queue;
pub mod start;
pub mod transport;

pub use pci::{Pci, Places};
pub use queue::{BrokenRing, Data, Direction, Interrupts, Queue, Used};
pub use start::StartError;
pub use transport::{QueueAddresses, Transport, status};
