//! Why the monitor stops.

use core::fmt;

use runtime::{
    CallError,
    environment::Missing,
    shared_memory::{ChannelError, OpenError},
};
use vmm_partition_core::boot::BootError;

/// Why the monitor stops.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The manifest does not grant something.
    Missing(Missing),
    /// A region or channel cannot serve.
    Open(OpenError),
    /// A peer broke the rules of its channel.
    Channel(ChannelError),
    /// The guest cannot be started.
    Boot(BootError),
    /// The supervisor did not understand the report of the guest's end.
    Report(CallError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(f),
            Self::Open(error) => error.fmt(f),
            Self::Channel(error) => write!(f, "the volume's server: {error}"),
            Self::Boot(error) => error.fmt(f),
            Self::Report(error) => {
                write!(f, "the supervisor does not take the guest's end: {error:?}")
            }
        }
    }
}

impl From<Missing> for Failure {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<ChannelError> for Failure {
    fn from(error: ChannelError) -> Self {
        Self::Channel(error)
    }
}

impl From<BootError> for Failure {
    fn from(error: BootError) -> Self {
        Self::Boot(error)
    }
}
