//! Times between two threads, which may live in two address spaces of one program.

use core::sync::atomic::Ordering::Relaxed;

use test_support::cpu::ticks;
use test_support::threads::note;

/// The note that holds when something last left.
const LEFT: usize = 0;

/// Something leaves now.
#[inline(always)]
pub(crate) fn leaves() {
    note(LEFT).store(ticks(), Relaxed);
}

/// The time since something left.
#[inline(always)]
pub(crate) fn since_left() -> u64 {
    ticks() - note(LEFT).load(Relaxed)
}

/// The least time until something arrived, kept in a note of its own.
#[derive(Clone, Copy)]
pub(crate) struct Arrival(pub(crate) usize);

impl Arrival {
    /// Something has arrived.
    #[inline(always)]
    pub(crate) fn arrived(self) {
        let took = since_left();
        note(self.0).fetch_min(took, Relaxed);
    }

    pub(crate) fn forget(self) {
        note(self.0).store(u64::MAX, Relaxed);
    }

    pub(crate) fn least(self) -> u64 {
        note(self.0).load(Relaxed)
    }
}
