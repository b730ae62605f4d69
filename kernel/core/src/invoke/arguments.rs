//! What an invocation brings along.

use crate::capability::Capability;
use crate::error::Error;
use crate::{BufferRef, Kernel, Machine, SlotRef, TcbRef};

/// An invocation of a kernel object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Invocation {
    pub(crate) thread: TcbRef,
    /// Where the invoked capability lies.
    pub(crate) slot: SlotRef,
    pub(crate) label: u64,
    /// Words of the message.
    pub(crate) length: u64,
    pub(crate) buffer: Option<BufferRef>,
    pub(crate) extra: [Option<SlotRef>; 3],
    pub(crate) wants_answer: bool,
}

impl Invocation {
    /// Where extra capability `index` lies; it may be an empty slot.
    #[inline(always)]
    pub(crate) fn extra_slot(&self, index: usize) -> Result<SlotRef, Error> {
        self.extra
            .get(index)
            .copied()
            .flatten()
            .ok_or(Error::Truncated)
    }

    /// Refuses messages with too few words or capabilities.
    #[inline(always)]
    pub(crate) fn require(&self, words: u64, capabilities: usize) -> Result<(), Error> {
        if self.length < words {
            return Err(Error::Truncated);
        }
        if capabilities > 0 {
            self.extra_slot(capabilities - 1)?;
        }
        Ok(())
    }

    pub(crate) const fn length(&self) -> u64 {
        self.length
    }
}

impl<M: Machine> Kernel<M> {
    /// Word `index` of the invocation's message. Users may change their buffer at any time: read each word
    /// once.
    #[inline(always)]
    pub(crate) fn argument(&self, invocation: &Invocation, index: u64) -> u64 {
        self.message_word(invocation.thread, invocation.buffer, index)
    }

    /// Extra capability `index` with its slot.
    pub(crate) fn extra(
        &self,
        invocation: &Invocation,
        index: usize,
    ) -> Result<(SlotRef, Capability), Error> {
        let slot = invocation.extra_slot(index)?;
        Ok((slot, self.slot(slot).capability()))
    }
}

/// Refuses numbers outside a range, both ends included.
pub(crate) fn ensure_between(value: u64, min: u64, max: u64) -> Result<(), Error> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(Error::Range { min, max })
    }
}

/// Refuses numbers above a small one.
pub(crate) fn at_most(value: u64, max: u8) -> Result<u8, Error> {
    let number = u8::try_from(value).ok().filter(|number| *number <= max);
    number.ok_or(Error::Range {
        min: 0,
        max: max.into(),
    })
}
