//! State that one processor core owns.

use core::ops::Deref;

/// A value in a static that only one core uses, with interrupts off.
pub(crate) struct SingleCore<T>(T);

// SAFETY: the kernel runs on one core and is not preempted: interrupts are off while it runs, and the
// handlers that can come in spite of that (an interrupt in a waiting window, NMI, double fault) use none
// of this state except the noted vector, which is read with interrupts off. So no two users of the value
// are ever active at the same time. When more cores start, this becomes the place of the kernel lock.
unsafe impl<T> Sync for SingleCore<T> {}

impl<T> SingleCore<T> {
    /// Wraps a value.
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for SingleCore<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}
