//! Why the server cannot work at all.

use runtime::{environment::Missing, shared_memory::OpenError};
use thiserror::Error;

#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(transparent)]
    Closed(#[from] OpenError),
}
