//! Byte streams: what one side of a channel prints, or types.
//!
//! The bytes lie behind the header of their writer's region, byte number n at place n modulo
//! what the region holds.

use crate::{
    Channel, ChannelError, OpenError,
    channel::{Count, HEADER},
    end::End,
};

/// The writing end of a byte stream.
#[derive(Debug)]
pub struct ByteWriter {
    end: End,
    length: usize,
}

/// The reading end of a byte stream.
#[derive(Debug)]
pub struct ByteReader {
    end: End,
    length: usize,
}

impl Channel {
    /// The stream of bytes from here to the peer.
    ///
    /// # Errors
    ///
    /// The channel's regions are too small for one.
    pub fn byte_writer(&self) -> Result<ByteWriter, OpenError> {
        let length = self.stream_length(self.output().len(), self.input().len())?;
        Ok(ByteWriter {
            end: End::open(self, Count::Produced),
            length,
        })
    }

    /// The stream of bytes from the peer.
    ///
    /// # Errors
    ///
    /// The channel's regions are too small for one.
    pub fn byte_reader(&self) -> Result<ByteReader, OpenError> {
        let length = self.stream_length(self.input().len(), self.output().len())?;
        Ok(ByteReader {
            end: End::open(self, Count::Consumed),
            length,
        })
    }

    fn stream_length(&self, bytes: usize, counts: usize) -> Result<usize, OpenError> {
        if bytes <= HEADER || counts < HEADER {
            return Err(self.unusable("is too small for a byte stream"));
        }
        Ok(bytes - HEADER)
    }
}

impl ByteWriter {
    /// Bytes that the stream takes now; none before a peer that was there earlier has taken notice of this life.
    ///
    /// # Errors
    ///
    /// The peer's count cannot be true, or it was started afresh.
    pub fn free(&mut self) -> Result<usize, ChannelError> {
        if !self.end.is_met()? {
            return Ok(0);
        }
        self.end.observe(self.end.own)?;
        Ok(self.length - distance(self.end.peer, self.end.own))
    }

    /// Bytes that the peer has not taken yet.
    ///
    /// # Errors
    ///
    /// The peer's count cannot be true, or it was started afresh.
    pub fn waiting(&mut self) -> Result<usize, ChannelError> {
        Ok(self.length - self.free()?)
    }

    /// Writes as many of `bytes` as fit and answers how many; the peer is woken only by [`Channel::signal`].
    ///
    /// # Errors
    ///
    /// The peer's count cannot be true, or it was started afresh.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, ChannelError> {
        let bytes = bytes.get(..self.free()?).unwrap_or(bytes);
        let start = position(self.end.own, self.length);
        let (first, second) = bytes.split_at(bytes.len().min(self.length - start));
        self.copy_in(start, first)?;
        self.copy_in(0, second)?;
        self.end.own += bytes.len() as u64;
        self.end.publish()?;
        Ok(bytes.len())
    }

    /// Overwrites what the peer has consumed with zeroes, so that secrets do not stay in the region.
    ///
    /// # Errors
    ///
    /// The peer's count cannot be true, or it was started afresh.
    pub fn wipe_consumed(&mut self) -> Result<(), ChannelError> {
        let free = self.free()?;
        let start = position(self.end.own, self.length);
        let first = free.min(self.length - start);
        self.wipe(start, first)?;
        self.wipe(0, free - first)
    }

    fn copy_in(&self, position: usize, bytes: &[u8]) -> Result<(), ChannelError> {
        self.end
            .output
            .write_at(HEADER + position, bytes)
            .map_err(|_| ChannelError::PeerMisbehaved)
    }

    fn wipe(&self, position: usize, length: usize) -> Result<(), ChannelError> {
        self.end
            .output
            .fill_at(HEADER + position, length, 0)
            .map_err(|_| ChannelError::PeerMisbehaved)
    }
}

impl ByteReader {
    /// Bytes that the stream holds at most.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.length
    }

    /// Bytes that wait to be read.
    ///
    /// # Errors
    ///
    /// The peer's count cannot be true, or it was started afresh.
    pub fn available(&mut self) -> Result<usize, ChannelError> {
        if !self.end.is_met()? {
            return Ok(0);
        }
        self.end.observe(self.end.own + self.length as u64)?;
        Ok(distance(self.end.own, self.end.peer))
    }

    /// Takes what is there into `bytes`, as far as it fits, and answers how many bytes that are.
    ///
    /// # Errors
    ///
    /// The peer's count cannot be true, or it was started afresh.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ChannelError> {
        let count = self.available()?.min(bytes.len());
        let start = position(self.end.own, self.length);
        let (first, second) = bytes[..count].split_at_mut(count.min(self.length - start));
        self.copy_out(start, first)?;
        self.copy_out(0, second)?;
        self.end.own += count as u64;
        self.end.publish()?;
        Ok(count)
    }

    fn copy_out(&self, position: usize, bytes: &mut [u8]) -> Result<(), ChannelError> {
        self.end
            .input
            .read_at(HEADER + position, bytes)
            .map_err(|_| ChannelError::PeerMisbehaved)
    }
}

/// How far `ahead` is ahead of `behind`: never more than a region holds, which [`End::observe`] checked.
#[expect(
    clippy::cast_possible_truncation,
    reason = "at most the length of a region, which is a usize"
)]
fn distance(behind: u64, ahead: u64) -> usize {
    (ahead - behind) as usize
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "below the length of a region, which is a usize"
)]
fn position(count: u64, length: usize) -> usize {
    (count % length as u64) as usize
}
