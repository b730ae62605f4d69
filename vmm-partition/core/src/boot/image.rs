//! A file that the guest starts with.

/// A read-only file: the guest's kernel or initial RAM disk.
pub trait Image {
    /// Bytes of the file.
    fn length(&self) -> u64;

    /// Copies from the file; bytes behind its end read as zero.
    fn read_at(&self, offset: u64, buffer: &mut [u8]);
}

impl Image for [u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) {
        buffer.fill(0);
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        for (place, byte) in buffer.iter_mut().zip(self.iter().skip(start)) {
            *place = *byte;
        }
    }
}
