//! The driver of a virtio block device (virtio 1.2, section 5.2), safe and testable on the host.
//!
//! - [`slots`]: the queue of requests, each in a slot of its own;
//! - [`driver`]: block requests over it, many at a time.
//!
//! The device is not trusted to keep the rules: whatever it writes is read once and checked. What
//! it does with memory that it was not told of is the business of the IOMMU.

#![no_std]
#![forbid(unsafe_code)]

pub mod driver;
pub mod slots;

pub use driver::{Driver, Outcome, StartError, Token, Transfer};

/// Bytes of the device's configuration that the driver reads: its capacity (section 5.2.4).
pub const CONFIGURATION_LENGTH: usize = 8;
