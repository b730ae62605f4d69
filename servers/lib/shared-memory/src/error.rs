//! What can go wrong with shared memory.

use core::fmt;

use environment::{Missing, Name};

/// An access that would leave its region. Nothing was read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessError;

/// Why a region or channel cannot be opened: the manifest is wrong, or the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The environment does not name it.
    Missing(Missing),
    /// The region is there and cannot serve.
    Unusable {
        /// Its name.
        region: Name,
        /// What is wrong with it, as the rest of a sentence that starts with the region.
        why: &'static str,
    },
}

/// The peer of a channel broke its rules: it counts backwards or beyond what fits.
/// Nothing was taken or given; whether to go on with such a peer is for the program to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelError {
    /// The peer's counts cannot be true.
    PeerMisbehaved,
}

/// Why a message was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushError {
    /// The peer has not yet taken enough messages.
    Full,
    /// The peer's counts cannot be true.
    PeerMisbehaved,
}

impl From<Missing> for OpenError {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl From<ChannelError> for PushError {
    fn from(ChannelError::PeerMisbehaved: ChannelError) -> Self {
        Self::PeerMisbehaved
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an access would leave its region")
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(f),
            Self::Unusable { region, why } => write!(f, "region `{region}` {why}"),
        }
    }
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer of a channel broke its rules")
    }
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the queue is full"),
            Self::PeerMisbehaved => ChannelError::PeerMisbehaved.fmt(f),
        }
    }
}

impl core::error::Error for AccessError {}
impl core::error::Error for OpenError {}
impl core::error::Error for ChannelError {}
impl core::error::Error for PushError {}
