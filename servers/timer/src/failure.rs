//! Why the timer cannot work.

use core::fmt;

use runtime::{environment::Missing, sel4_sys, shared_memory::OpenError};
use timer_core::HpetError;

pub(crate) enum Failure {
    Missing(Missing),
    Closed(OpenError),
    Hpet(HpetError),
    Interrupt(sel4_sys::Error),
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

impl From<HpetError> for Failure {
    fn from(error: HpetError) -> Self {
        Self::Hpet(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(error) => error.fmt(f),
            Self::Closed(error) => error.fmt(f),
            Self::Hpet(error) => error.fmt(f),
            Self::Interrupt(error) => write!(f, "the interrupt cannot be acknowledged: {error:?}"),
        }
    }
}
