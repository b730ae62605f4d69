//! Regions in ordinary memory, so that crates without unsafe code can test what they do with regions.

use crate::{RegionReader, RegionWriter};

impl RegionWriter {
    /// A region of `length` zero bytes that lives as long as the test program.
    ///
    /// A device would find it at `physical`.
    #[must_use]
    pub fn simulated(length: usize, physical: Option<u64>) -> Self {
        let words = vec![0u64; length.div_ceil(8)].leak();
        // SAFETY: the memory is leaked, long enough, and the only reference to it ends here.
        unsafe {
            Self::new(RegionReader::new(
                words.as_mut_ptr().cast(),
                length,
                physical,
            ))
        }
    }
}
