//! A stretch of memory that others may change at any moment: copies in and out, nothing else.

use core::ops::Deref;

use crate::{
    AccessError,
    access::{
        self, load_u8, load_u16, load_u32, load_u64, store_u8, store_u16, store_u32, store_u64,
    },
};

/// A region that this program reads. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct RegionReader {
    base: *mut u8,
    length: usize,
    physical: Option<u64>,
}

/// A region that this program writes, and may read back. It reads like a [`RegionReader`].
#[derive(Clone, Copy, Debug)]
pub struct RegionWriter {
    reader: RegionReader,
}

// SAFETY: every access goes through assembler and is allowed from any thread at any time.
unsafe impl Send for RegionReader {}
// SAFETY: as above; no method has state to race for.
unsafe impl Sync for RegionReader {}

macro_rules! read_word {
    ($read:ident, $load:ident, $word:ty) => {
        /// The little-endian word at `offset` (any alignment; loaded in one piece when aligned).
        ///
        /// # Errors
        ///
        /// The word is not inside the region.
        #[inline]
        pub fn $read(&self, offset: usize) -> Result<$word, AccessError> {
            let place = self.place(offset, size_of::<$word>())?;
            // SAFETY: `place` is inside the region, which is mapped for reading.
            Ok(unsafe { $load(place) })
        }
    };
}

macro_rules! write_word {
    ($write:ident, $store:ident, $word:ty) => {
        /// Stores a little-endian word at `offset` (any alignment; in one piece when aligned).
        ///
        /// # Errors
        ///
        /// The word is not inside the region.
        #[inline]
        pub fn $write(&self, offset: usize, word: $word) -> Result<(), AccessError> {
            let place = self.place(offset, size_of::<$word>())?;
            // SAFETY: `place` is inside the region, which is mapped for writing and to which no
            // reference exists.
            unsafe { $store(place, word) };
            Ok(())
        }
    };
}

impl RegionReader {
    /// A region of no bytes: every access is refused.
    pub const EMPTY: Self = Self {
        base: core::ptr::null_mut(),
        length: 0,
        physical: None,
    };

    /// The region of `length` bytes from `base`.
    ///
    /// # Safety
    ///
    /// From now on the bytes are either mapped for reading or an access ends the program, and no
    /// reference to them exists.
    pub(crate) const unsafe fn new(base: *mut u8, length: usize, physical: Option<u64>) -> Self {
        Self {
            base,
            length,
            physical,
        }
    }

    /// Bytes of the region.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether the region has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Where a device finds the byte at `offset`, if the manifest lets a device reach this region.
    #[must_use]
    pub fn physical_address(&self, offset: usize) -> Option<u64> {
        self.physical?.checked_add(u64::try_from(offset).ok()?)
    }

    /// The part of `length` bytes from `offset`.
    ///
    /// # Errors
    ///
    /// The part is not inside the region.
    pub fn part(&self, offset: usize, length: usize) -> Result<Self, AccessError> {
        Ok(Self {
            base: self.place(offset, length)?,
            length,
            physical: self.physical_address(offset),
        })
    }

    /// Copies the bytes from `offset` on into `bytes`.
    ///
    /// # Errors
    ///
    /// Not all of them are inside the region; `bytes` is unchanged.
    #[inline]
    pub fn read_at(&self, offset: usize, bytes: &mut [u8]) -> Result<(), AccessError> {
        let place = self.place(offset, bytes.len())?;
        // SAFETY: `place` is inside the region, which is mapped for reading; `bytes` is ours alone.
        unsafe { access::copy(bytes.as_mut_ptr(), place, bytes.len()) };
        Ok(())
    }

    /// The [sum](access::sum) of `length` bytes from `offset` on, as checksums of network packets need it.
    ///
    /// # Errors
    ///
    /// Not all of them are inside the region.
    #[inline]
    pub fn sum_at(&self, offset: usize, length: usize) -> Result<u64, AccessError> {
        let place = self.place(offset, length)?;
        // SAFETY: `place` is inside the region, which is mapped for reading.
        Ok(unsafe { access::sum(place, length) })
    }

    read_word!(read_u8_at, load_u8, u8);
    read_word!(read_u16_at, load_u16, u16);
    read_word!(read_u32_at, load_u32, u32);
    read_word!(read_u64_at, load_u64, u64);

    /// The address of `length` bytes at `offset`.
    #[inline]
    fn place(&self, offset: usize, length: usize) -> Result<*mut u8, AccessError> {
        match offset.checked_add(length) {
            Some(end) if end <= self.length => Ok(self.base.wrapping_add(offset)),
            _ => Err(AccessError),
        }
    }
}

impl RegionWriter {
    /// A region of no bytes: every access is refused.
    pub const EMPTY: Self = Self {
        reader: RegionReader::EMPTY,
    };

    /// The same region, to be written too.
    ///
    /// # Safety
    ///
    /// The bytes are mapped for writing too.
    pub(crate) const unsafe fn new(reader: RegionReader) -> Self {
        Self { reader }
    }

    /// A region over addresses at which nothing of the program lies, whether or not memory is
    /// mapped there: the root server's window.
    ///
    /// # Safety
    ///
    /// The program maps something there only in order to reach it through this region; an access
    /// to what is not mapped ends the program.
    #[must_use]
    pub const unsafe fn over_free_addresses(address: usize, length: usize) -> Self {
        let base = core::ptr::with_exposed_provenance_mut(address);
        // SAFETY: the caller vouches for just this.
        unsafe { Self::new(RegionReader::new(base, length, None)) }
    }

    /// The region for reading only.
    #[must_use]
    pub const fn reader(&self) -> RegionReader {
        self.reader
    }

    /// The part of `length` bytes from `offset`, for writing.
    ///
    /// # Errors
    ///
    /// The part is not inside the region.
    pub fn part(&self, offset: usize, length: usize) -> Result<Self, AccessError> {
        let reader = self.reader.part(offset, length)?;
        Ok(Self { reader })
    }

    /// Copies `bytes` into the region from `offset` on.
    ///
    /// # Errors
    ///
    /// Not all of the place is inside the region; nothing was written.
    #[inline]
    pub fn write_at(&self, offset: usize, bytes: &[u8]) -> Result<(), AccessError> {
        let place = self.place(offset, bytes.len())?;
        // SAFETY: `place` is inside the region, which is mapped for writing and to which no
        // reference exists, so `bytes` lies elsewhere.
        unsafe { access::copy(place, bytes.as_ptr(), bytes.len()) };
        Ok(())
    }

    /// Copies `length` bytes from `source` at `from` to `offset`, without a stop in between.
    ///
    /// # Errors
    ///
    /// One of the places is not inside its region; nothing was written.
    #[inline]
    pub fn copy_from(
        &self,
        offset: usize,
        source: &RegionReader,
        from: usize,
        length: usize,
    ) -> Result<(), AccessError> {
        let source = source.place(from, length)?;
        let place = self.place(offset, length)?;
        // SAFETY: both places are inside regions mapped for this, to which no reference exists.
        // If they overlap, the bytes are arbitrary, as if a peer had written at the same time.
        unsafe { access::copy(place, source, length) };
        Ok(())
    }

    /// Sets `length` bytes from `offset` on to `byte`.
    ///
    /// # Errors
    ///
    /// Not all of the place is inside the region; nothing was written.
    pub fn fill_at(&self, offset: usize, length: usize, byte: u8) -> Result<(), AccessError> {
        let place = self.place(offset, length)?;
        // SAFETY: `place` is inside the region, which is mapped for writing.
        unsafe { access::fill(place, byte, length) };
        Ok(())
    }

    write_word!(write_u8_at, store_u8, u8);
    write_word!(write_u16_at, store_u16, u16);
    write_word!(write_u32_at, store_u32, u32);
    write_word!(write_u64_at, store_u64, u64);
}

impl Deref for RegionWriter {
    type Target = RegionReader;

    fn deref(&self) -> &RegionReader {
        &self.reader
    }
}
