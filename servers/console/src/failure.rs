//! Why the console cannot work.

use core::fmt;

use runtime::{environment::Missing, sel4_sys, shared_memory::OpenError};

pub(crate) enum Failure {
    Missing(Missing),
    Closed(OpenError),
    Device(sel4_sys::Error),
    /// The first port is no 16-bit number.
    NoPort,
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

impl From<sel4_sys::Error> for Failure {
    fn from(error: sel4_sys::Error) -> Self {
        Self::Device(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(error) => error.fmt(f),
            Self::Closed(error) => error.fmt(f),
            Self::Device(error) => write!(f, "the serial port is out of reach: {error:?}"),
            Self::NoPort => f.write_str("`serial.port` is no port"),
        }
    }
}
