//! Memory that a device reads and writes.
//!
//! A [`DmaRegion`] is memory of which the manifest also gives the physical address: descriptors and
//! buffers are carved from it, and their [addresses](DmaRegion::device_address) are told to the
//! device. It is shared memory like any other: the device is a peer that may write anything at any
//! moment, so it is only copied from and to, and what was copied is checked.

#![no_std]
#![forbid(unsafe_code)]

mod region;

pub use region::{DmaError, DmaRegion};
