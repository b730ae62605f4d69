//! Two one-writer regions and a signal each way.

use core::sync::atomic::{Ordering, fence};

use environment::{Kind, Missing, Name};
use kernel_calls::{Registers, syscall};
use sel4_sys::{MessageInfo, syscall};

use crate::{Memory, OpenError, RegionReader, RegionWriter, data_area_offset};

/// Offset of the count of what this side produced.
const PRODUCED: usize = 0;
/// Offset of the count of what this side consumed of the peer's; on a cache line of its own.
const CONSUMED: usize = 64;
/// Offset of a word that is free for the protocol above.
const ATTENTION: usize = 128;
/// Where the contents begin.
pub(crate) const HEADER: usize = 192;

/// The part of a channel that its end writes.
const OUTPUT: &str = "out";

/// This side's end of a channel.
///
/// The manifest grants a channel called `x` as region `x.out`, which this side alone writes,
/// region `x.in`, which it can only read, capability `x.signal` and parameter `x.badge`. A
/// channel on which nothing is said in one direction lacks that region; it is then empty.
#[derive(Clone, Copy, Debug)]
pub struct Channel {
    name: Name,
    output: RegionWriter,
    input: RegionReader,
    signal: Signal,
    badge: u64,
    life: u64,
}

/// How the peer is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Notification(u64),
    /// In a simulation the test looks after both sides.
    #[cfg(any(test, feature = "simulation"))]
    None,
}

impl Channel {
    /// Opens channel `name`.
    ///
    /// # Errors
    ///
    /// The environment lacks the signal, the badge or both regions, or a region cannot serve.
    pub fn open(memory: &Memory, name: &str) -> Result<Self, OpenError> {
        Self::with_output(memory, name, granted(memory.writer_of(name, OUTPUT))?)
    }

    /// Opens channel `name`, and gives this side's data area, when it sends `queue_length` messages `T`, as a slice:
    /// to a program that makes what it sends in place. Whatever is written there is seen by the peer at once. The
    /// channel's [output](Self::output) then ends before the data area.
    ///
    /// # Errors
    ///
    /// As for [`Channel::open`]; or the region is too small for the queue.
    pub fn open_with_data_area<T>(
        memory: &Memory,
        name: &str,
        queue_length: usize,
    ) -> Result<(Self, &'static mut [u8]), OpenError> {
        let offset = data_area_offset::<T>(queue_length);
        let (output, data) = memory.divided_output(name, OUTPUT, offset)?;
        Ok((Self::with_output(memory, name, Some(output))?, data))
    }

    fn with_output(
        memory: &Memory,
        name: &str,
        output: Option<RegionWriter>,
    ) -> Result<Self, OpenError> {
        let environment = memory.environment();
        let input = granted(memory.reader_of(name, "in"))?;
        if output.is_none() && input.is_none() {
            return Err(Missing::new(Kind::Region, name, "out").into());
        }
        let channel = Self {
            name: Name::new(name, ""),
            output: output.unwrap_or(RegionWriter::EMPTY),
            input: input.unwrap_or(RegionReader::EMPTY),
            signal: Signal::Notification(environment.capability_of(name, "signal")?),
            badge: environment.integer_of(name, "badge")?,
            life: memory.life(),
        };
        if channel.life > 0 {
            // Whatever the life before wanted is not wanted any more.
            channel.set_attention(0);
        }
        Ok(channel)
    }

    /// Opens the channel of `client` in the role `role`: the one called `role.client`.
    ///
    /// # Errors
    ///
    /// As for [`Channel::open`].
    pub fn open_of(memory: &Memory, role: &str, client: &str) -> Result<Self, OpenError> {
        Self::open(memory, Name::new(role, client).as_str())
    }

    /// Wakes the peer. Never blocks.
    #[inline]
    pub fn signal(&self) {
        match self.signal {
            Signal::Notification(notification) => {
                syscall(
                    syscall::SEND,
                    Registers {
                        capability_or_badge: notification,
                        info: MessageInfo::new(0, 0, 0),
                        ..Registers::default()
                    },
                );
            }
            #[cfg(any(test, feature = "simulation"))]
            Signal::None => {}
        }
    }

    /// The capability by which the peer is woken, for who does that together with something else.
    #[must_use]
    pub const fn signal_capability(&self) -> u64 {
        match self.signal {
            Signal::Notification(notification) => notification,
            // The slot that never holds anything.
            #[cfg(any(test, feature = "simulation"))]
            Signal::None => 0,
        }
    }

    /// The bits that the peer's signal sets in the word of this program's notification.
    #[must_use]
    pub const fn badge(&self) -> u64 {
        self.badge
    }

    /// Everything that this side says, for protocols without queue or stream.
    #[must_use]
    pub const fn output(&self) -> RegionWriter {
        self.output
    }

    /// Everything that the peer says.
    #[must_use]
    pub const fn input(&self) -> RegionReader {
        self.input
    }

    /// Sets this side's attention word. A channel without output has none; then nothing happens.
    ///
    /// Either what this side reads after it was written before the peer read the word, or the peer reads
    /// this word: so nobody sleeps over what the other did.
    pub fn set_attention(&self, word: u64) {
        let _ = self.output.write_u64_at(ATTENTION, word);
        fence(Ordering::SeqCst);
    }

    /// The peer's attention word: any value, and 0 where there is none. Read after everything that this side
    /// wrote is visible.
    #[must_use]
    pub fn attention(&self) -> u64 {
        fence(Ordering::SeqCst);
        self.input.read_u64_at(ATTENTION).unwrap_or(0)
    }

    /// How often this program was started afresh.
    pub(crate) const fn life(&self) -> u64 {
        self.life
    }

    pub(crate) fn unusable(&self, why: &'static str) -> OpenError {
        let region = self.name;
        OpenError::Unusable { region, why }
    }

    /// Two channel ends that are connected with each other, their regions `length` bytes each.
    ///
    /// Devices find the second end's memory right behind the first end's, from `physical`.
    #[cfg(any(test, feature = "simulation"))]
    #[must_use]
    pub fn simulated_pair(length: usize, physical: Option<u64>) -> (Self, Self) {
        let behind = physical.map(|address| address + length as u64);
        let (first, second) = (
            RegionWriter::simulated(length, physical),
            RegionWriter::simulated(length, behind),
        );
        let end = |output: RegionWriter, input: RegionWriter, badge| Self {
            name: Name::new("simulated", ""),
            output,
            input: input.reader(),
            signal: Signal::None,
            badge,
            life: 0,
        };
        (end(first, second, 1), end(second, first, 2))
    }

    /// This end as a program finds it that was started afresh `life` times: queues and streams that are opened on
    /// it begin anew.
    #[cfg(any(test, feature = "simulation"))]
    #[must_use]
    pub const fn in_life(mut self, life: u64) -> Self {
        self.life = life;
        self
    }
}

/// A region that may be missing, but must serve if it is there.
fn granted<R>(region: Result<R, OpenError>) -> Result<Option<R>, OpenError> {
    match region {
        Ok(region) => Ok(Some(region)),
        Err(OpenError::Missing(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A count that one side publishes and the other reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    Produced,
    Consumed,
}

impl Count {
    /// Where it lies in its side's region.
    pub(crate) const fn offset(self) -> usize {
        match self {
            Self::Produced => PRODUCED,
            Self::Consumed => CONSUMED,
        }
    }

    /// The one that the other side publishes about the same things.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Produced => Self::Consumed,
            Self::Consumed => Self::Produced,
        }
    }
}
