//! Why the supervisor cannot work.

use runtime::{environment::Missing, sel4_sys};
use supervisor_core::UnknownAction;
use thiserror::Error;

#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error("`{0}`: {1}")]
    Policy(&'static str, #[source] UnknownAction),
    #[error("the port or value of `{0}` is too large")]
    PortRange(&'static str),
    #[error("the kernel refuses: {0:?}")]
    Kernel(sel4_sys::Error),
}
