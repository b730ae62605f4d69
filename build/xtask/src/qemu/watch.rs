//! Waits for texts in what a console prints.

/// A place in the console's bytes up to which everything was seen.
#[derive(Default)]
pub(crate) struct Watch {
    seen: usize,
}

impl Watch {
    /// Whether the text stands behind what was seen before; if so, all up to its end is seen.
    /// Until then a watch is asked for the same text.
    pub(crate) fn sees(&mut self, console: &[u8], text: &str) -> bool {
        match find(&console[self.seen..], text.as_bytes()) {
            Some(at) => {
                self.seen += at + text.len();
                true
            }
            None => {
                // Only its beginning may have come: what lies before that is not searched again.
                let part = text.len().saturating_sub(1);
                self.seen = self.seen.max(console.len().saturating_sub(part));
                false
            }
        }
    }
}

/// Where `wanted` first stands in `bytes`.
pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_seen_once_and_in_order() {
        let mut watch = Watch::default();
        assert!(!watch.sees(b"pass", "password"));
        assert!(watch.sees(b"password: ", "password"));
        assert!(!watch.sees(b"password: ", "password"));
        assert!(watch.sees(b"password: password: ", "password"));
    }
}
