//! Queues of messages: what one side of a channel asks, or answers.
//!
//! The messages lie behind the header of their sender's region, one after another; message
//! number n at place n modulo the length. Counts never wrap: at one message a nanosecond it would take
//! five centuries. A program that is started again finds its own counts in the region that it alone writes,
//! and goes on there: what it had sent stays sent, what it had taken and not released it takes again.

use core::marker::PhantomData;

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{
    Channel, ChannelError, OpenError, PushError, RegionReader, RegionWriter,
    channel::{Count, HEADER},
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
    output: RegionWriter,
    input: RegionReader,
    length: u64,
    produced: u64,
    consumed: u64,
    message: PhantomData<T>,
}

/// The receiving end of a queue.
///
/// A message that was [taken](Self::take) still belongs to its sender's queue, and with it whatever the protocol lays
/// aside for it, until it is [released](Self::release).
#[derive(Debug)]
pub struct Receiver<T> {
    output: RegionWriter,
    input: RegionReader,
    length: u64,
    produced: u64,
    taken: u64,
    consumed: u64,
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
        let (length, produced) = (queue_length as u64, Count::Produced.own(&self.output()));
        Ok(Sender {
            output: self.output(),
            input: self.input(),
            length,
            produced,
            consumed: produced.saturating_sub(length),
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
        let consumed = Count::Consumed.own(&self.output());
        Ok(Receiver {
            output: self.output(),
            input: self.input(),
            length: queue_length as u64,
            produced: consumed,
            taken: consumed,
            consumed,
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
    /// Places that are free.
    ///
    /// # Errors
    ///
    /// The peer's count cannot be true.
    pub fn free(&mut self) -> Result<u64, ChannelError> {
        self.consumed = Count::Consumed.observe(&self.input, self.consumed, self.produced)?;
        Ok(self.length - (self.produced - self.consumed))
    }

    /// The place that the next message will have: its number modulo the length of the queue.
    #[inline]
    #[must_use]
    pub fn next_place(&self) -> usize {
        index(self.produced, self.length)
    }

    /// Queues `message`. The peer sees it now, but is woken only by [`Channel::signal`].
    ///
    /// # Errors
    ///
    /// The queue is full, or the peer's count cannot be true.
    #[inline]
    pub fn push(&mut self, message: &T) -> Result<(), PushError> {
        if self.produced - self.consumed == self.length && self.free()? == 0 {
            return Err(PushError::Full);
        }
        let place = place::<T>(self.produced, self.length);
        self.output
            .write_at(place, message.as_bytes())
            .map_err(|_| PushError::Full)?;
        self.produced += 1;
        Ok(Count::Produced.publish(&self.output, self.produced)?)
    }
}

impl<T: FromBytes + IntoBytes> Receiver<T> {
    /// Takes the next message, if there is one, and [releases](Self::release) the oldest that was taken.
    ///
    /// # Errors
    ///
    /// The peer's count cannot be true.
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
    /// The peer's count cannot be true.
    #[inline]
    pub fn take(&mut self) -> Result<Option<T>, ChannelError> {
        if self.produced == self.taken {
            let high = self.consumed + self.length;
            self.produced = Count::Produced.observe(&self.input, self.produced, high)?;
            if self.produced == self.taken {
                return Ok(None);
            }
        }
        let mut message = T::new_zeroed();
        let place = place::<T>(self.taken, self.length);
        self.input
            .read_at(place, message.as_mut_bytes())
            .map_err(|_| ChannelError::PeerMisbehaved)?;
        self.taken += 1;
        Ok(Some(message))
    }

    /// Gives the places of the `count` oldest messages that were taken back to the peer; of all that were, if
    /// there are fewer.
    ///
    /// # Errors
    ///
    /// This side's region has no room for counts, which opening the queue rules out.
    #[inline]
    pub fn release(&mut self, count: u64) -> Result<(), ChannelError> {
        self.consumed += count.min(self.taken - self.consumed);
        Count::Consumed.publish(&self.output, self.consumed)
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
