//! The virtual PC put together: its parts, its address spaces, and its run loop.

mod injection;
mod mmio;
mod ports;
mod run;
mod state;
mod wake;

#[cfg(test)]
pub(crate) mod test_host;

pub(crate) use mmio::Registers;
pub(crate) use ports::PortAccess;
pub use state::{Machine, MachineParameters};
