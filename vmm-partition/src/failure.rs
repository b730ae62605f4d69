//! Why the monitor stops.

use runtime::{
    CallError,
    environment::Missing,
    shared_memory::{AccessError, ChannelError, OpenError},
};
use thiserror::Error;
use vmm_partition_core::boot::BootError;

#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the volume's server: {0}")]
    Channel(#[from] ChannelError),
    #[error("the guest's memory cannot be erased: {0}")]
    Memory(#[from] AccessError),
    #[error(transparent)]
    Boot(#[from] BootError),
    #[error("the supervisor does not take the guest's end: {0:?}")]
    Report(CallError),
}
