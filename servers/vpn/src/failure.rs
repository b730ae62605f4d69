//! Why the server cannot work at all.

use core::fmt;

use runtime::{environment::Missing, shared_memory::OpenError};

pub(crate) enum Failure {
    Missing(Missing),
    Closed(OpenError),
    /// A parameter has a value that it cannot have.
    Parameter {
        name: &'static str,
        expected: &'static str,
    },
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
            Self::Parameter { name, expected } => {
                write!(f, "the parameter `{name}` must be {expected}")
            }
        }
    }
}
