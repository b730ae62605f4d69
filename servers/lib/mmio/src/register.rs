//! One register, and the range that it is taken from.

use core::{marker::PhantomData, ptr::NonNull};

use shared_memory::{AccessError, Memory, OpenError};

use crate::Word;

/// A range of device registers. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Registers {
    base: NonNull<u8>,
    length: usize,
}

/// One register of the width of `W`. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Register<W> {
    place: NonNull<u8>,
    width: PhantomData<W>,
}

impl Registers {
    /// Opens the registers that the manifest calls `name`.
    ///
    /// # Errors
    ///
    /// There are none of that name, or it is ordinary memory.
    pub fn open(memory: &Memory, name: &str) -> Result<Self, OpenError> {
        let window = memory.registers(name)?;
        Ok(Self {
            base: window.base,
            length: window.length,
        })
    }

    /// Registers that merely hold what is written, for tests: `length` bytes of zeroes.
    #[cfg(any(test, feature = "simulation"))]
    #[must_use]
    pub fn simulated(length: usize) -> Self {
        let words = vec![0u64; length.div_ceil(8)].leak();
        Self {
            base: NonNull::from(words).cast(),
            length,
        }
    }

    /// Bytes of the range.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether the range has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The `length` bytes of registers from `offset` on.
    ///
    /// # Errors
    ///
    /// They are not inside the range.
    pub fn part(&self, offset: usize, length: usize) -> Result<Self, AccessError> {
        let base = self.place(offset, length)?;
        Ok(Self { base, length })
    }

    /// The register at `offset`.
    ///
    /// # Errors
    ///
    /// It is not inside the range, or not aligned to its width.
    pub fn register<W: Word>(&self, offset: usize) -> Result<Register<W>, AccessError> {
        let place = self.place(offset, size_of::<W>())?;
        if !place.addr().get().is_multiple_of(size_of::<W>()) {
            return Err(AccessError);
        }
        let width = PhantomData;
        Ok(Register { place, width })
    }

    fn place(&self, offset: usize, length: usize) -> Result<NonNull<u8>, AccessError> {
        match offset.checked_add(length) {
            Some(end) if end <= self.length => {
                NonNull::new(self.base.as_ptr().wrapping_add(offset)).ok_or(AccessError)
            }
            _ => Err(AccessError),
        }
    }
}

impl<W: Word> Register<W> {
    /// Reads the register.
    #[inline]
    #[must_use = "reading a register may have an effect, which then should be said"]
    pub fn read(&self) -> W {
        // SAFETY: the register is mapped and inside its range, which was checked when it was made.
        unsafe { W::load(self.place.as_ptr()) }
    }

    /// Writes the register.
    #[inline]
    pub fn write(&self, word: W) {
        // SAFETY: as for `read`; the range is mapped for writing.
        unsafe { word.store(self.place.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_hold_what_is_written() {
        let registers = Registers::simulated(16);
        let low: Register<u32> = registers.register(8).expect("inside");
        let high: Register<u32> = registers.register(12).expect("inside");
        low.write(0x1111_2222);
        high.write(0x3333_4444);
        let both: Register<u64> = registers.register(8).expect("inside");
        assert_eq!(both.read(), 0x3333_4444_1111_2222);
        let byte: Register<u8> = registers.register(15).expect("inside");
        assert_eq!(byte.read(), 0x33);
    }

    #[test]
    fn places_outside_or_crooked_are_refused() {
        let registers = Registers::simulated(16);
        assert!(registers.register::<u32>(16).is_err());
        assert!(registers.register::<u32>(13).is_err());
        assert!(registers.register::<u32>(2).is_err());
        assert!(registers.register::<u64>(usize::MAX - 3).is_err());
        assert!(registers.part(8, 9).is_err());
        let part = registers.part(8, 8).expect("inside");
        assert!(part.register::<u64>(0).is_ok());
        assert!(part.register::<u16>(8).is_err());
    }
}
