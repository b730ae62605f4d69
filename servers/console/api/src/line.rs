//! One line as it is typed: characters, corrections, Enter.

use zeroize::{Zeroize, Zeroizing};

/// Most bytes of a line; further ones are not taken.
const LINE_MAX: usize = 256;

const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;
/// Control-C gives up.
const GIVE_UP: u8 = 0x03;
/// Control-U starts afresh.
const CLEAR: u8 = 0x15;

/// What has been typed so far. It is erased from memory when it goes out of use.
pub struct Line {
    bytes: Zeroizing<[u8; LINE_MAX]>,
    length: usize,
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// By Enter.
    Entered,
    /// By Control-C.
    GivenUp,
}

impl Line {
    /// Nothing typed yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bytes: Zeroizing::new([0; LINE_MAX]),
            length: 0,
        }
    }

    /// What has been typed, without the end of the line.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Erases what has been typed.
    pub fn clear(&mut self) {
        self.bytes.zeroize();
        self.length = 0;
    }

    /// Takes one keystroke; answers the end of the line when it is one.
    pub(crate) fn take(&mut self, key: u8) -> Option<LineEnd> {
        match key {
            b'\r' | b'\n' => return Some(LineEnd::Entered),
            GIVE_UP => {
                self.clear();
                return Some(LineEnd::GivenUp);
            }
            CLEAR => self.clear(),
            BACKSPACE | DELETE => self.remove_character(),
            0x00..0x20 => {}
            _ => self.push(key),
        }
        None
    }

    fn push(&mut self, key: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = key;
            self.length += 1;
        }
    }

    /// Removes the last character: its last byte, and the bytes before it that continue it (UTF-8).
    fn remove_character(&mut self) {
        while let Some(last) = self.length.checked_sub(1) {
            self.length = last;
            let removed = core::mem::take(&mut self.bytes[last]);
            if removed & 0xc0 != 0x80 {
                return;
            }
        }
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

/// Says nothing of the contents: they are a secret.
impl core::fmt::Debug for Line {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Line(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn typed(keys: &[u8]) -> (Line, Option<LineEnd>) {
        let mut line = Line::new();
        let end = keys.iter().find_map(|key| line.take(*key));
        (line, end)
    }

    #[test]
    fn lines_are_edited_until_enter() {
        let (line, end) = typed(b"wrong\x15secrxx\x7f\x08et\r");
        assert_eq!(line.as_bytes(), b"secret");
        assert_eq!(end, Some(LineEnd::Entered));
    }

    #[test]
    fn whole_characters_are_removed() {
        let (line, _) = typed("a\u{20ac}\u{7f}b\u{7f}\u{7f}\u{7f}z".as_bytes());
        assert_eq!(line.as_bytes(), b"z");
    }

    #[test]
    fn giving_up_leaves_nothing() {
        let (line, end) = typed(b"secret\x03");
        assert_eq!(end, Some(LineEnd::GivenUp));
        assert!(line.as_bytes().is_empty());
        assert_eq!(*line.bytes, [0; LINE_MAX]);
    }

    proptest! {
        #[test]
        fn any_keys_are_taken(keys in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut line = Line::new();
            for key in keys {
                let _ = line.take(key);
                prop_assert!(line.as_bytes().len() <= LINE_MAX);
                prop_assert!(line.bytes[line.length..].iter().all(|byte| *byte == 0));
            }
        }
    }
}
