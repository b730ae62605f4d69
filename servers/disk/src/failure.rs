//! Why the disk server cannot work.

use disk_core::StartError;
use dma::DmaError;
use runtime::{
    environment::Missing,
    sel4_sys,
    shared_memory::{AccessError, OpenError},
};
use thiserror::Error;

#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(transparent)]
    Closed(#[from] OpenError),
    #[error("the client's memory has no physical address")]
    ClientMemory,
    #[error("the disk's registers: {0}")]
    Registers(#[source] AccessError),
    #[error(transparent)]
    Rings(DmaError),
    #[error(transparent)]
    Disk(StartError),
    #[error("the interrupt cannot be acknowledged: {0:?}")]
    Interrupt(sel4_sys::Error),
}
