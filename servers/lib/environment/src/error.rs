//! What can be wrong with an environment.

use core::fmt;

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
    kind: Kind,
    name: [u8; Self::NAME_MAX],
    length: usize,
}

impl Missing {
    const NAME_MAX: usize = 64;

    /// Says that no `kind` has the name `owner`, or `owner.part` when there is a part. Long names are cut.
    #[must_use]
    pub fn new(kind: Kind, owner: &str, part: &str) -> Self {
        let mut missing = Self {
            kind,
            name: [0; Self::NAME_MAX],
            length: 0,
        };
        missing.append(owner);
        if !part.is_empty() {
            missing.append(".");
            missing.append(part);
        }
        missing
    }

    /// What is missing.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The name that was asked for.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
            .get(..self.length)
            .and_then(|bytes| core::str::from_utf8(bytes).ok())
            .unwrap_or("?")
    }

    fn append(&mut self, text: &str) {
        for character in text.chars() {
            let end = self.length + character.len_utf8();
            let Some(place) = self.name.get_mut(self.length..end) else {
                return;
            };
            character.encode_utf8(place);
            self.length = end;
        }
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
        write!(f, "the manifest grants no {} `{}`", self.kind, self.name())
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
