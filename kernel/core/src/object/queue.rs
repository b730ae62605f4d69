//! The ends of a queue of threads.

use core::cell::Cell;

use crate::TcbRef;

/// The ends of a queue; the links between its threads are in the threads.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) head: Cell<Option<TcbRef>>,
    pub(crate) tail: Cell<Option<TcbRef>>,
}

impl Queue {
    pub(crate) const fn new() -> Self {
        Self {
            head: Cell::new(None),
            tail: Cell::new(None),
        }
    }
}
