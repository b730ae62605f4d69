//! The widths that registers have.

use shared_memory::access;

/// An unsigned integer as wide as a register: `u8`, `u16`, `u32` or `u64`.
pub trait Word: Copy + sealed::Sealed {
    /// Loads the register at `place`.
    ///
    /// # Safety
    ///
    /// A register of this width is mapped there.
    #[doc(hidden)]
    unsafe fn load(place: *const u8) -> Self;

    /// Stores into the register at `place`.
    ///
    /// # Safety
    ///
    /// A register of this width is mapped there.
    #[doc(hidden)]
    unsafe fn store(self, place: *mut u8);
}

mod sealed {
    /// No other widths exist.
    pub trait Sealed {}
}

macro_rules! word {
    ($word:ty, $load:ident, $store:ident) => {
        impl sealed::Sealed for $word {}

        impl Word for $word {
            #[inline]
            unsafe fn load(place: *const u8) -> Self {
                // SAFETY: the caller vouches for the place.
                unsafe { access::$load(place) }
            }

            #[inline]
            unsafe fn store(self, place: *mut u8) {
                // SAFETY: the caller vouches for the place.
                unsafe { access::$store(place, self) }
            }
        }
    };
}

word!(u8, load_u8, store_u8);
word!(u16, load_u16, store_u16);
word!(u32, load_u32, store_u32);
word!(u64, load_u64, store_u64);
