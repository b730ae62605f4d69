//! virtio 1.x over PCI, the modern interface only (OASIS Virtual I/O Device version 1.2).
//!
//! A queue is read by copying: a ring entry or descriptor is read once, checked, and the copy is
//! used, so that a guest that changes it meanwhile gains nothing.

mod block;
mod chain;
mod device;
mod entropy;
mod function;
mod network;
mod queue;
#[cfg(test)]
mod test_bench;
#[cfg(test)]
mod tests;
mod transport;

pub(crate) use block::Block;
pub(crate) use device::Device;
pub(crate) use entropy::Entropy;
pub(crate) use function::{Access, VirtioFunction};
pub(crate) use network::Network;
