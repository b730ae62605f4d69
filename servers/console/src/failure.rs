//! Why the console cannot work.

use runtime::{environment::Missing, sel4_sys, shared_memory::OpenError};
use thiserror::Error;

#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(transparent)]
    Closed(#[from] OpenError),
    #[error("the serial port is out of reach: {0:?}")]
    Device(sel4_sys::Error),
    #[error("`serial.port` is no port")]
    NoPort,
}

impl From<sel4_sys::Error> for Failure {
    fn from(error: sel4_sys::Error) -> Self {
        Self::Device(error)
    }
}
