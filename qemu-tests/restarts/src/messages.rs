//! What the two say to each other.

use runtime::shared_memory::{Channel, Memory, OpenError};
use serde::{Deserialize, Serialize};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Messages on the way in either direction.
pub(crate) const QUEUE_LENGTH: usize = 8;

/// A number that wants to be answered.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Question {
    pub(crate) number: u64,
}

/// The answer to one.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Answer {
    pub(crate) number: u64,
    /// The number squared.
    pub(crate) square: u64,
    /// In which life it was answered.
    pub(crate) life: u64,
    /// A random number of the one who answers.
    pub(crate) random: u64,
}

/// What can be called for.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Call {
    /// The number of the life.
    Life,
    /// Dying instead of an answer.
    Death,
}

pub(crate) fn open(memory: &Memory) -> Result<Channel, OpenError> {
    Channel::open(memory, "numbers")
}
