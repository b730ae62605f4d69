//! A file that the guest starts with.

use super::error::BootError;
use crate::guest_memory::{GuestAddress, GuestMemory};

/// Bytes that are copied at a time.
const PIECE_BYTES: usize = 2048;

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

/// A part of a file, all of it inside.
#[derive(Clone, Copy)]
pub(super) struct Part<'a, I: ?Sized> {
    image: &'a I,
    offset: u64,
    bytes: u64,
}

impl<'a, I: Image + ?Sized> Part<'a, I> {
    /// `bytes` bytes of `image` from `offset` on, if the file has them.
    pub(super) fn new(image: &'a I, offset: u64, bytes: u64) -> Option<Self> {
        let end = offset.checked_add(bytes)?;
        (end <= image.length()).then_some(Self {
            image,
            offset,
            bytes,
        })
    }

    /// A part of the part.
    pub(super) fn part(&self, offset: u64, bytes: u64) -> Option<Self> {
        let end = offset.checked_add(bytes)?;
        (end <= self.bytes).then_some(Self {
            image: self.image,
            offset: self.offset + offset,
            bytes,
        })
    }

    /// What stands from `offset` on.
    pub(super) fn behind(&self, offset: u64) -> Option<Self> {
        self.part(offset, self.bytes.checked_sub(offset)?)
    }

    pub(super) fn length(&self) -> u64 {
        self.bytes
    }

    /// Bytes from `offset` on; some that are outside of the part read as zero.
    pub(super) fn bytes_at<const N: usize>(&self, offset: u64) -> [u8; N] {
        let mut bytes = [0; N];
        if let Some(part) = self.part(offset, N as u64) {
            part.read_at(0, &mut bytes);
        }
        bytes
    }

    /// Copies from the part, which the caller does not leave.
    pub(super) fn read_at(&self, offset: u64, buffer: &mut [u8]) {
        self.image
            .read_at(self.offset.saturating_add(offset), buffer);
    }

    /// Copies all of it into the guest's memory.
    pub(super) fn copy_to(&self, to: u64, memory: &impl GuestMemory) -> Result<(), BootError> {
        let mut piece = [0; PIECE_BYTES];
        let mut done = 0;
        while done < self.bytes {
            let length = (self.bytes - done).min(PIECE_BYTES as u64);
            let length = usize::try_from(length).map_err(|_| BootError::Memory)?;
            let piece = piece.get_mut(..length).ok_or(BootError::Memory)?;
            self.read_at(done, piece);
            memory.write(GuestAddress(to + done), piece)?;
            done += length as u64;
        }
        Ok(())
    }
}
