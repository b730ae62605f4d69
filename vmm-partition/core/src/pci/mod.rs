//! The PCI bus: configuration space behind ports 0xcf8 and 0xcfc, memory BARs, MSI-X.

mod bus;
mod configuration;
mod host_bridge;
mod msix;
#[cfg(test)]
mod tests;

pub(crate) use bus::{Bus, Selected};
pub(crate) use configuration::{
    COMMAND_BUS_MASTER, COMMAND_INTX_OFF, COMMAND_MEMORY, Configuration, Identity,
};
pub(crate) use msix::{MsixTable, NO_VECTOR, PENDING_OFFSET};
