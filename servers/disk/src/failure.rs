//! Why the disk server cannot work.

use core::fmt;

use disk_core::StartError;
use dma::DmaError;
use runtime::{
    environment::Missing,
    sel4_sys,
    shared_memory::{AccessError, OpenError},
};

pub(crate) enum Failure {
    Missing(Missing),
    Closed(OpenError),
    /// The client's memory is not where a device can reach it.
    ClientMemory,
    Registers(AccessError),
    Rings(DmaError),
    Disk(StartError),
    Interrupt(sel4_sys::Error),
}

impl From<Missing> for Failure {
    fn from(error: Missing) -> Self {
        Self::Missing(error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Closed(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(error) => error.fmt(f),
            Self::Closed(error) => error.fmt(f),
            Self::ClientMemory => f.write_str("the client's memory has no physical address"),
            Self::Registers(error) => write!(f, "the disk's registers: {error}"),
            Self::Rings(error) => error.fmt(f),
            Self::Disk(error) => error.fmt(f),
            Self::Interrupt(error) => write!(f, "the interrupt cannot be acknowledged: {error:?}"),
        }
    }
}
