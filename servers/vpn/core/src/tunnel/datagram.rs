//! A datagram as it lies where its carrier put it.

/// A datagram in memory that others may still write: each of its bytes is read once, and then only the copy counts.
pub trait Datagram {
    /// Bytes of it; always the same.
    fn length(&self) -> usize;

    /// Copies the bytes from offset `at` on. Of a part that is not inside, anything may come.
    fn read(&self, at: usize, part: &mut [u8]);
}

impl Datagram for &[u8] {
    fn length(&self) -> usize {
        self.len()
    }

    fn read(&self, at: usize, part: &mut [u8]) {
        if let Some(bytes) = self.get(at..at + part.len()) {
            part.copy_from_slice(bytes);
        }
    }
}
