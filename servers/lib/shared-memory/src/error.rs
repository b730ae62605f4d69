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

/// Why nothing was taken from a channel, nor given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelError {
    /// The peer's counts cannot be true: it counts backwards or beyond what fits. Whether to go on with such a
    /// peer is for the program to decide.
    PeerMisbehaved,
    /// The peer was started afresh. What was in this queue or stream is gone, and it can be used again from now
    /// on; what the peer has not answered, it has never seen. Said once for each queue or stream.
    PeerReset,
}

/// Why a message was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushError {
    /// The peer has not yet taken enough messages.
    Full,
    /// As for [`ChannelError::PeerMisbehaved`].
    PeerMisbehaved,
    /// As for [`ChannelError::PeerReset`].
    PeerReset,
}

impl From<Missing> for OpenError {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl From<ChannelError> for PushError {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::PeerMisbehaved => Self::PeerMisbehaved,
            ChannelError::PeerReset => Self::PeerReset,
        }
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
        f.write_str(match self {
            Self::PeerMisbehaved => "the peer of a channel broke its rules",
            Self::PeerReset => "the peer of a channel was started afresh",
        })
    }
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the queue is full"),
            Self::PeerMisbehaved => ChannelError::PeerMisbehaved.fmt(f),
            Self::PeerReset => ChannelError::PeerReset.fmt(f),
        }
    }
}

impl core::error::Error for AccessError {}
impl core::error::Error for OpenError {}
impl core::error::Error for ChannelError {}
impl core::error::Error for PushError {}
