//! The driver of a virtio block device (virtio 1.2), safe and testable on the host.
//!
//! - [`transport`]: the registers through which a device is set up; [`pci`]: those of virtio over PCI;
//! - [`queue`]: the split virtqueue in memory that the device reads and writes;
//! - [`driver`]: block requests over one such queue, many at a time.
//!
//! The device is not trusted to keep the rules: whatever it writes is read once and checked. What
//! it does with memory that it was not told of is the business of the IOMMU.

#![no_std]
#![forbid(unsafe_code)]

pub mod driver;
pub mod pci;
pub mod queue;
pub mod transport;

pub use driver::{Driver, Outcome, StartError, Token, Transfer};
pub use pci::{Pci, Places};
