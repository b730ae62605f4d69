//! What can be wrong with an environment.

use core::fmt;

use crate::Name;

/// Why a description cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The description is longer than the space for it.
    TooLong,
}

/// Why bytes are no environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end before the description does.
    Truncated,
    /// The bytes are no description.
    Malformed,
    /// A region wraps around the end of the address space.
    RegionWraps,
    /// Two regions have an address in common.
    RegionsOverlap,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A capability.
    Capability,
    /// A region.
    Region,
    /// A parameter that is a number.
    Integer,
    /// A parameter that is text.
    Text,
    /// A parameter of bytes.
    Bytes,
}

/// Something that a component needs and its environment does not name: the manifest is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// What is missing.
    pub kind: Kind,
    /// The name that was asked for.
    pub name: Name,
}

impl Missing {
    /// Says that no `kind` has the name `owner`, or `owner.part` when there is a part.
    #[must_use]
    pub fn new(kind: Kind, owner: &str, part: &str) -> Self {
        let name = Name::new(owner, part);
        Self { kind, name }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Capability => "capability",
            Self::Region => "region",
            Self::Integer => "parameter (a number)",
            Self::Text => "parameter (a text)",
            Self::Bytes => "parameter (bytes)",
        })
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the manifest grants no {} `{}`", self.kind, self.name)
    }
}

impl fmt::Debug for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Missing {}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the environment is cut off",
            Self::Malformed => "the environment is malformed",
            Self::RegionWraps => "a region of the environment wraps around",
            Self::RegionsOverlap => "regions of the environment overlap",
        })
    }
}

impl core::error::Error for DecodeError {}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the environment does not fit into its pages")
    }
}

impl core::error::Error for EncodeError {}
