//! Queues of messages: what one side of a channel asks, or answers.
//!
//! The messages lie behind the header of their sender's region, one after another; message
//! number n at place n modulo the length. Counts never wrap: at one message a nanosecond it would take
//! five centuries.

use core::marker::PhantomData;

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{
    Channel, ChannelError, OpenError, PushError, RegionReader, RegionWriter,
    channel::{Count, HEADER},
    end::End,
};

/// Data areas begin at a page, so that devices and copies find them aligned.
const DATA_ALIGNMENT: usize = 4096;

/// Where the data area begins in the region of a side that sends messages `T`.
#[must_use]
pub const fn data_area_offset<T>(queue_length: usize) -> usize {
    (HEADER + queue_length * size_of::<T>()).next_multiple_of(DATA_ALIGNMENT)
}

/// The sending end of a queue.
#[derive(Debug)]
pub struct Sender<T> {
    end: End,
    length: u64,
    message: PhantomData<T>,
}

/// The receiving end of a queue.
///
/// A message that was [taken](Self::take) still belongs to its sender's queue, and with it whatever the protocol lays
/// aside for it, until it is [released](Self::release); also when its sender is started afresh meanwhile: that is only
/// noticed when all that was taken is released, so that nothing is overwritten that somebody still reads.
#[derive(Debug)]
pub struct Receiver<T> {
    end: End,
    length: u64,
    taken: u64,
    message: PhantomData<T>,
}

impl Channel {
    /// The queue of messages `T` from here to the peer, `queue_length` of them at most.
    ///
    /// # Errors
    ///
    /// The channel's regions are too small for it.
    pub fn sender<T: IntoBytes + Immutable>(
        &self,
        queue_length: usize,
    ) -> Result<Sender<T>, OpenError> {
        self.check_sizes::<T>(queue_length, self.output().len(), self.input().len())?;
        Ok(Sender {
            end: End::open(self, Count::Produced),
            length: queue_length as u64,
            message: PhantomData,
        })
    }

    /// The queue of messages `T` from the peer, `queue_length` of them at most.
    ///
    /// # Errors
    ///
    /// The channel's regions are too small for it.
    pub fn receiver<T: FromBytes + IntoBytes>(
        &self,
        queue_length: usize,
    ) -> Result<Receiver<T>, OpenError> {
        self.check_sizes::<T>(queue_length, self.input().len(), self.output().len())?;
        Ok(Receiver {
            end: End::open(self, Count::Consumed),
            length: queue_length as u64,
            taken: 0,
            message: PhantomData,
        })
    }

    /// This side's data area, when it sends messages `T`: what lies behind the queue.
    #[must_use]
    pub fn output_data<T>(&self, queue_length: usize) -> RegionWriter {
        let (output, offset) = (self.output(), data_area_offset::<T>(queue_length));
        let length = output.len().saturating_sub(offset);
        output.part(offset, length).unwrap_or(RegionWriter::EMPTY)
    }

    /// The peer's data area, when it sends messages `T`: what lies behind the queue.
    #[must_use]
    pub fn input_data<T>(&self, queue_length: usize) -> RegionReader {
        let (input, offset) = (self.input(), data_area_offset::<T>(queue_length));
        let length = input.len().saturating_sub(offset);
        input.part(offset, length).unwrap_or(RegionReader::EMPTY)
    }

    fn check_sizes<T>(
        &self,
        queue_length: usize,
        messages: usize,
        counts: usize,
    ) -> Result<(), OpenError> {
        if queue_length == 0 || messages < HEADER + queue_length * size_of::<T>() {
            return Err(self.unusable("is too small for its queue"));
        }
        if counts < HEADER {
            return Err(self.unusable("has no way to count what was consumed"));
        }
        Ok(())
    }
}

impl<T: IntoBytes + Immutable> Sender<T> {
    /// Places that are free; none before a peer that was there earlier has taken notice of this life.
    ///
    /// # Errors
    ///
    /// The peer's count cannot be true, or it was started afresh.
    pub fn free(&mut self) -> Result<u64, ChannelError> {
        if !self.end.is_met()? {
            return Ok(0);
        }
        self.end.observe(self.end.own)?;
        Ok(self.length - (self.end.own - self.end.peer))
    }

    /// Which life of the peer this end goes along with. The two ends of a channel learn of a new life one after the
    /// other: who says something again that was not answered waits until both go along with the same.
    #[inline]
    #[must_use]
    pub const fn peer_life(&self) -> u64 {
        self.end.peer_life()
    }

    /// The place that the next message will have: its number modulo the length of the queue.
    #[inline]
    #[must_use]
    pub fn next_place(&self) -> usize {
        index(self.end.own, self.length)
    }

    /// Queues `message`. The peer sees it now, but is woken only by [`Channel::signal`].
    ///
    /// # Errors
    ///
    /// The queue is full, the peer's count cannot be true, or it was started afresh.
    #[inline]
    pub fn push(&mut self, message: &T) -> Result<(), PushError> {
        if !self.end.is_met()? {
            return Err(PushError::Full);
        }
        if self.end.own - self.end.peer == self.length && self.free()? == 0 {
            return Err(PushError::Full);
        }
        let place = place::<T>(self.end.own, self.length);
        self.end
            .output
            .write_at(place, message.as_bytes())
            .map_err(|_| PushError::Full)?;
        self.end.own += 1;
        Ok(self.end.publish()?)
    }
}

impl<T: FromBytes + IntoBytes> Receiver<T> {
    /// Takes the next message, if there is one, and [releases](Self::release) the oldest that was taken.
    ///
    /// # Errors
    ///
    /// The peer's count cannot be true, or it was started afresh.
    #[inline]
    pub fn pop(&mut self) -> Result<Option<T>, ChannelError> {
        let message = self.take()?;
        if message.is_some() {
            self.release(1)?;
        }
        Ok(message)
    }

    /// Takes the next message, if there is one: a copy that the peer cannot change any more. The peer learns
    /// nothing of it before it is [released](Self::release).
    ///
    /// # Errors
    ///
    /// The peer's count cannot be true, or it was started afresh, and all that was taken is released.
    #[inline]
    pub fn take(&mut self) -> Result<Option<T>, ChannelError> {
        if self.taken == self.end.own {
            match self.end.is_met() {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => {
                    self.taken = self.end.own;
                    return Err(error);
                }
            }
        } else if self.end.peer_is_new() {
            // What was taken may still be in use: a new life of the peer is noticed when it is released.
            return Ok(None);
        }
        if self.end.peer == self.taken {
            self.end.observe(self.end.own + self.length)?;
            if self.end.peer == self.taken {
                return Ok(None);
            }
        }
        let mut message = T::new_zeroed();
        let place = place::<T>(self.taken, self.length);
        self.end
            .input
            .read_at(place, message.as_mut_bytes())
            .map_err(|_| ChannelError::PeerMisbehaved)?;
        self.taken += 1;
        Ok(Some(message))
    }

    /// Which life of the peer this end goes along with; see [`Sender::peer_life`].
    #[inline]
    #[must_use]
    pub const fn peer_life(&self) -> u64 {
        self.end.peer_life()
    }

    /// Whether the peer was started afresh and this end has not gone along with that: then [`take`](Self::take) says so as soon as
    /// all that was taken is released. So who does not listen to a peer any more, because it broke the rules, learns of its
    /// next life.
    #[inline]
    #[must_use]
    pub fn peer_is_new(&self) -> bool {
        self.end.peer_is_new()
    }

    /// Gives the places of the `count` oldest messages that were taken back to the peer; of all that were, if
    /// there are fewer.
    ///
    /// # Errors
    ///
    /// This side's region has no room for counts, which opening the queue rules out.
    #[inline]
    pub fn release(&mut self, count: u64) -> Result<(), ChannelError> {
        self.end.own += count.min(self.taken - self.end.own);
        self.end.publish()
    }
}

/// Where message number `count` lies. The sizes were checked when the queue was opened.
#[inline]
fn place<T>(count: u64, length: u64) -> usize {
    HEADER + index(count, length) * size_of::<T>()
}

#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the remainder is below the length, which was a usize"
)]
fn index(count: u64, length: u64) -> usize {
    (count % length) as usize
}
