//! The regions that the manifest grants to this program, by name.

use core::{cell::Cell, ptr::NonNull};

use environment::{Environment, Name, Region, Sharing};

use crate::{OpenError, RegionReader, RegionWriter};

/// Most regions that a program may have.
const REGIONS_MAX: usize = 128;

/// Opens regions. A program has one, made by its runtime.
pub struct Memory {
    environment: &'static Environment<'static>,
    life: u64,
    given_out: [Cell<GivenOut>; REGIONS_MAX],
}

/// How a region is in use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GivenOut {
    No,
    AsCopies,
    AsSlice,
}

/// Registers of a device: an address range for the `mmio` crate, where each access counts.
#[derive(Debug)]
pub struct Window {
    /// The first byte.
    pub base: NonNull<u8>,
    /// Bytes.
    pub length: usize,
}

impl Memory {
    /// The regions of `environment`, for a program that was started afresh `life` times.
    ///
    /// # Safety
    ///
    /// The environment is true of this address space for as long as the program runs: its regions
    /// are mapped as it says, hold nothing that the program uses otherwise (code, data, stack),
    /// and the private ones are reached by nobody else. There is one `Memory` in the program.
    #[must_use]
    pub const unsafe fn new(environment: &'static Environment<'static>, life: u64) -> Self {
        Self {
            environment,
            life,
            given_out: [const { Cell::new(GivenOut::No) }; REGIONS_MAX],
        }
    }

    /// What this program was told at its start.
    #[must_use]
    pub const fn environment(&self) -> &'static Environment<'static> {
        self.environment
    }

    /// How often this program was started afresh.
    #[must_use]
    pub const fn life(&self) -> u64 {
        self.life
    }

    /// Region `name`, to be read.
    ///
    /// # Errors
    ///
    /// There is none, or it holds registers, or it was given out as a slice.
    pub fn reader(&self, name: &str) -> Result<RegionReader, OpenError> {
        self.reader_of(name, "")
    }

    /// Region `owner.part`, to be read.
    ///
    /// # Errors
    ///
    /// As for [`Memory::reader`].
    pub fn reader_of(&self, owner: &str, part: &str) -> Result<RegionReader, OpenError> {
        let region = self.open(owner, part, GivenOut::AsCopies)?;
        let (base, length) = place(&region)?;
        // SAFETY: the environment is true, so the bytes are mapped; `open` made sure that no slice
        // of them is or will be given out.
        Ok(unsafe { RegionReader::new(base.as_ptr(), length, region.physical) })
    }

    /// Region `name`, to be read and written.
    ///
    /// # Errors
    ///
    /// As for [`Memory::reader`]; or it may not be written.
    pub fn writer(&self, name: &str) -> Result<RegionWriter, OpenError> {
        self.writer_of(name, "")
    }

    /// Region `owner.part`, to be read and written.
    ///
    /// # Errors
    ///
    /// As for [`Memory::writer`].
    pub fn writer_of(&self, owner: &str, part: &str) -> Result<RegionWriter, OpenError> {
        let region = self.environment.region_of(owner, part)?;
        if !region.writable {
            return Err(unusable(&region, "is not writable"));
        }
        let reader = self.reader_of(owner, part)?;
        // SAFETY: the environment is true, so the bytes are mapped for writing.
        Ok(unsafe { RegionWriter::new(reader) })
    }

    /// The private region `name` as ordinary memory, once. It holds zeroes at the program's start.
    ///
    /// # Errors
    ///
    /// There is none, others can reach it, it is not writable, or it was given out before.
    pub fn exclusive(&self, name: &str) -> Result<&'static mut [u8], OpenError> {
        let region = self.environment.region(name)?;
        if region.sharing != Sharing::Private || region.physical.is_some() {
            return Err(unusable(&region, "can be reached by others"));
        }
        if !region.writable {
            return Err(unusable(&region, "is not writable"));
        }
        let region = self.open(name, "", GivenOut::AsSlice)?;
        let (base, length) = place(&region)?;
        // SAFETY: the environment is true: the bytes are mapped, initialised by the root server,
        // disjoint from every other region and reached by nobody else; `open` gives them out
        // this once.
        Ok(unsafe { core::slice::from_raw_parts_mut(base.as_ptr(), length) })
    }

    /// The region `owner.output` that this program writes and others read, in two: up to `offset` for copies, from
    /// there on as a slice.
    ///
    /// # Errors
    ///
    /// There is none, it is not writable, it ends before `offset`, or it was given out before.
    pub(crate) fn divided_output(
        &self,
        owner: &str,
        output: &str,
        offset: usize,
    ) -> Result<(RegionWriter, &'static mut [u8]), OpenError> {
        let region = self.environment.region_of(owner, output)?;
        if !region.writable {
            return Err(unusable(&region, "is not writable"));
        }
        let (base, length) = place(&region)?;
        let Some(slice_length) = length.checked_sub(offset) else {
            return Err(unusable(&region, "is too small for its queue"));
        };
        let region = self.open(owner, output, GivenOut::AsSlice)?;
        // SAFETY: the environment is true, so `length` bytes are mapped for writing. Of the first `offset` of them
        // no slice is made, here or later: `open` gives the region out this once.
        let writer =
            unsafe { RegionWriter::new(RegionReader::new(base.as_ptr(), offset, region.physical)) };
        // SAFETY: the bytes lie in the region, behind those of `writer`, and are given out this once. Of all address spaces
        // only this program's can write them: the manifest gives a channel's output one writer, and devices are
        // told to read there at most (until an IOMMU holds them to that, a device could as well write to this
        // program's stack). That others read them is no access of this program, so no reference notices it.
        let slice = unsafe {
            core::slice::from_raw_parts_mut(base.as_ptr().wrapping_add(offset), slice_length)
        };
        Ok((writer, slice))
    }

    /// The private region `name` as values of `T`, once: as many as fit, each `T::default()`.
    ///
    /// # Errors
    ///
    /// As for [`Memory::exclusive`].
    pub fn exclusive_values<T: Default>(&self, name: &str) -> Result<&'static mut [T], OpenError> {
        let bytes = self.exclusive(name)?;
        let skipped = bytes.as_ptr().align_offset(align_of::<T>());
        let bytes = bytes.get_mut(skipped..).unwrap_or_default();
        let count = bytes.len().checked_div(size_of::<T>()).unwrap_or(0);
        let first: *mut T = bytes.as_mut_ptr().cast();
        for index in 0..count {
            // SAFETY: the places lie in `bytes`, which is ours alone and for ever, one after the
            // other and aligned; what they held were bytes, which need no drop.
            unsafe { first.add(index).write(T::default()) };
        }
        // SAFETY: `count` values were written there just now, and `bytes` is not used again.
        Ok(unsafe { core::slice::from_raw_parts_mut(first, count) })
    }

    /// The device registers `name`.
    ///
    /// # Errors
    ///
    /// There are none of that name, or it is ordinary memory.
    pub fn registers(&self, name: &str) -> Result<Window, OpenError> {
        let region = self.environment.region(name)?;
        if region.sharing != Sharing::Registers {
            return Err(unusable(&region, "holds no registers"));
        }
        if !region.writable {
            return Err(unusable(&region, "is not writable"));
        }
        let (base, length) = place(&region)?;
        Ok(Window { base, length })
    }

    /// Finds a region and records that it is in use as `purpose`.
    fn open(
        &self,
        owner: &str,
        part: &str,
        purpose: GivenOut,
    ) -> Result<Region<'static>, OpenError> {
        let region = self.environment.region_of(owner, part)?;
        if region.sharing == Sharing::Registers {
            return Err(unusable(&region, "holds registers of a device"));
        }
        let position = self
            .environment
            .regions
            .iter()
            .position(|other| other.address == region.address);
        let Some(given_out) = position.and_then(|index| self.given_out.get(index)) else {
            return Err(unusable(&region, "is one too many"));
        };
        match (given_out.get(), purpose) {
            (GivenOut::No, _) | (GivenOut::AsCopies, GivenOut::AsCopies) => {}
            _ => return Err(unusable(&region, "is in use already")),
        }
        given_out.set(purpose);
        Ok(region)
    }
}

fn place(region: &Region<'_>) -> Result<(NonNull<u8>, usize), OpenError> {
    let numbers = usize::try_from(region.address)
        .ok()
        .zip(usize::try_from(region.size).ok());
    let Some((address, length)) = numbers else {
        return Err(unusable(region, "lies outside the address space"));
    };
    let base = core::ptr::with_exposed_provenance_mut(address);
    NonNull::new(base)
        .map(|base| (base, length))
        .ok_or_else(|| unusable(region, "is at address 0"))
}

fn unusable(region: &Region<'_>, why: &'static str) -> OpenError {
    let region = Name::new(region.name, "");
    OpenError::Unusable { region, why }
}
