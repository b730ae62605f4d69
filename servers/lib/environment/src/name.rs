//! Names that errors carry: copies, so that an error outlives what was asked for.

use core::fmt;

/// A copy of a name of at most 64 bytes; longer ones are cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name {
    bytes: [u8; Self::MAX],
    length: usize,
}

impl Name {
    const MAX: usize = 64;

    /// The name `owner`, or `owner.part` when there is a part.
    #[must_use]
    pub fn new(owner: &str, part: &str) -> Self {
        let mut name = Self {
            bytes: [0; Self::MAX],
            length: 0,
        };
        name.append(owner);
        if !part.is_empty() {
            name.append(".");
            name.append(part);
        }
        name
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes
            .get(..self.length)
            .and_then(|bytes| core::str::from_utf8(bytes).ok())
            .unwrap_or("?")
    }

    fn append(&mut self, text: &str) {
        for character in text.chars() {
            let end = self.length + character.len_utf8();
            let Some(place) = self.bytes.get_mut(self.length..end) else {
                return;
            };
            character.encode_utf8(place);
            self.length = end;
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
