//! Why the timer cannot work.

use runtime::{environment::Missing, sel4_sys, shared_memory::OpenError};
use thiserror::Error;
use timer_core::HpetError;

#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(transparent)]
    Closed(#[from] OpenError),
    #[error(transparent)]
    Hpet(#[from] HpetError),
    #[error("the interrupt cannot be acknowledged: {0:?}")]
    Interrupt(sel4_sys::Error),
}
