//! What is wrong with a configuration, and where.

use alloc::string::String;
use core::fmt;

use super::{PEERS_MAX, SEARCH_BYTES_MAX};

/// The first thing that is wrong with a text. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationError {
    /// The line, from 1; the last one for what is missing.
    pub line: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The text is not UTF-8.
    NotText,
    /// A line is neither a section, nor `key = value`, nor a comment. Its text may be part of a key, so it is not
    /// repeated.
    NotALine,
    /// A section of another name.
    UnknownSection(String),
    /// A second `[Interface]`.
    SecondInterface,
    /// A key before the first section.
    OutsideSections(String),
    /// A key that the section does not have.
    UnknownKey {
        /// The section.
        section: &'static str,
        /// The word.
        key: String,
    },
    /// A key of `wg-quick` that sets up the host on which that runs.
    OfAHost(String),
    /// A key that may stand once in its section stands there again.
    Repeated(&'static str),
    /// A value that its key cannot have.
    BadValue {
        /// The key.
        key: &'static str,
        /// What it should be.
        expected: &'static str,
        /// The word; none where it could be a secret.
        word: Option<String>,
    },
    /// Something that has to be there.
    Missing {
        /// The section.
        section: &'static str,
        /// The key.
        key: &'static str,
    },
    /// There is no section `[Interface]`.
    NoInterface,
    /// There is no section `[Peer]`.
    NoPeer,
    /// Two peers have the same key.
    SamePeer,
    /// A peer has this side's own key.
    OwnKey,
    /// Two peers claim the same network.
    SameNetwork(String),
    /// Domains of more than [`SEARCH_BYTES_MAX`] bytes.
    TooManyDomains,
    /// More than [`PEERS_MAX`] peers.
    TooManyPeers,
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText => f.write_str("the configuration is not text"),
            Self::NotALine => f.write_str("neither a [section] nor `key = value` nor a comment"),
            Self::UnknownSection(name) => write!(f, "there is no section [{name}]"),
            Self::SecondInterface => f.write_str("[Interface] stands here a second time"),
            Self::OutsideSections(key) => write!(f, "`{key}` stands before the first section"),
            Self::UnknownKey { section, key } => write!(f, "[{section}] has no key `{key}`"),
            Self::OfAHost(key) => write!(
                f,
                "`{key}` sets up the host that wg-quick runs on, and there is none here: remove this line"
            ),
            Self::Repeated(key) => write!(f, "`{key}` stands here a second time"),
            Self::BadValue {
                key,
                expected,
                word: Some(word),
            } => write!(f, "`{key}` must be {expected}, not `{word}`"),
            Self::BadValue { key, expected, .. } => write!(f, "`{key}` must be {expected}"),
            Self::Missing { section, key } => write!(f, "this [{section}] lacks `{key}`"),
            Self::NoInterface => f.write_str("there is no section [Interface]"),
            Self::NoPeer => f.write_str("there is no section [Peer]"),
            Self::SamePeer => f.write_str("another peer has this `PublicKey` already"),
            Self::OwnKey => f.write_str("this `PublicKey` belongs to the `PrivateKey` above"),
            Self::SameNetwork(network) => {
                write!(f, "another peer has `{network}` among its `AllowedIPs`")
            }
            Self::TooManyDomains => {
                write!(f, "domains of more than {SEARCH_BYTES_MAX} bytes")
            }
            Self::TooManyPeers => write!(f, "more than {PEERS_MAX} peers"),
        }
    }
}

impl core::error::Error for ConfigurationError {}
