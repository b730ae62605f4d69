//! What guest monitors tell the supervisor: the end of their guest.
//!
//! A monitor calls the endpoint `supervisor` with a [`Report`] and is answered [`Noted`], unless the
//! system's policy ends everything there and then.

#![no_std]
#![forbid(unsafe_code)]

use serde::{Deserialize, Serialize};

/// The name of the channel at the monitor's end.
pub const CHANNEL: &str = "supervisor";

/// What became of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// It switched its machine off.
    GuestPoweredOff,
    /// It asks for its machine to start afresh.
    GuestRestarts,
    /// It cannot go on.
    GuestCrashed {
        /// What stopped it.
        cause: CrashCause,
        /// Its instruction pointer.
        instruction: u64,
    },
}

/// What stopped a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CrashCause {
    /// An exception while the handling of exceptions had failed twice.
    TripleFault,
    /// The processor refused the guest's state.
    InvalidState,
    /// It did something that its monitor cannot carry out.
    Unsupported,
    /// Something else, by the kernel's number of the exit reason.
    Other(u64),
}

/// The answer to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted;

impl core::fmt::Display for CrashCause {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TripleFault => f.write_str("triple fault"),
            Self::InvalidState => f.write_str("state that the processor refuses"),
            Self::Unsupported => f.write_str("something that its monitor cannot carry out"),
            Self::Other(reason) => write!(f, "exit for reason {reason}"),
        }
    }
}
