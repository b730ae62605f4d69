//! Notifications: a word of signal bits and a queue of threads that wait for them.

use core::cell::Cell;

use super::Queue;
use crate::{SchedContextRef, TcbRef};

/// A notification, 64 bytes.
#[repr(C, align(64))]
#[derive(Default)]
pub struct Notification {
    pub(crate) queue: Queue,
    /// Signals that nobody has taken yet, or'ed together.
    pub(crate) badge: Cell<u64>,
    /// Whether there is a signal to take; a badge of zero is a signal too.
    pub(crate) active: Cell<bool>,
    /// The thread that takes these signals even while it waits on an endpoint.
    pub(crate) bound_tcb: Cell<Option<TcbRef>>,
    /// Lent to a passive thread that takes a signal.
    pub(crate) sched_context: Cell<Option<SchedContextRef>>,
}

const _: () = assert!(size_of::<Notification>() == 64);
