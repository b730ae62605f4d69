//! Scheduling contexts: the right to processor time, as a budget in each period.

use core::cell::Cell;

use crate::{NotificationRef, ReplyRef, TcbRef};

/// An amount of time and the moment from which it may be used.
#[repr(C)]
#[derive(Default)]
pub struct Refill {
    pub(crate) time: Cell<u64>,
    pub(crate) amount: Cell<u64>,
}

/// A scheduling context: 96 bytes, then its refills; the first two are part of the 128 bytes that
/// the interface calls the core.
#[repr(C, align(32))]
#[derive(Default)]
pub struct SchedContext {
    /// Length of the period in ticks; zero for round robin.
    pub(crate) period: Cell<u64>,
    /// The whole budget of a period, in ticks.
    pub(crate) budget: Cell<u64>,
    /// Ticks used since somebody last asked.
    pub(crate) consumed: Cell<u64>,
    /// Told to the timeout handler.
    pub(crate) badge: Cell<u64>,
    pub(crate) tcb: Cell<Option<TcbRef>>,
    /// The top of the stack of calls along which this context was lent.
    pub(crate) reply: Cell<Option<ReplyRef>>,
    pub(crate) notification: Cell<Option<NotificationRef>>,
    /// The thread that waits for the end of its YieldTo to this context.
    pub(crate) yield_from: Cell<Option<TcbRef>>,
    /// Refills in use; zero while the context is not configured.
    pub(crate) refill_max: Cell<u32>,
    pub(crate) refill_head: Cell<u32>,
    pub(crate) refill_tail: Cell<u32>,
    pub(crate) sporadic: Cell<bool>,
    /// Logarithm of the object's size in bytes.
    pub(crate) size_bits: Cell<u8>,
    reserved: [u64; 2],
}

const _: () = assert!(size_of::<SchedContext>() == 96);
const _: () = assert!(size_of::<Refill>() == 16);
