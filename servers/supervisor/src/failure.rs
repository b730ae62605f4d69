//! Why the supervisor cannot work.

use core::fmt;

use runtime::{environment::Missing, sel4_sys};
use supervisor_core::UnknownAction;

pub(crate) enum Failure {
    Missing(Missing),
    Policy(&'static str, UnknownAction),
    /// A port's number or value is too large.
    PortRange(&'static str),
    /// The kernel refuses something.
    Kernel(sel4_sys::Error),
}

impl From<Missing> for Failure {
    fn from(error: Missing) -> Self {
        Self::Missing(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(error) => error.fmt(f),
            Self::Policy(parameter, error) => write!(f, "`{parameter}`: {error}"),
            Self::PortRange(device) => write!(f, "the port or value of `{device}` is too large"),
            Self::Kernel(error) => write!(f, "the kernel refuses: {error:?}"),
        }
    }
}
