//! A heap for the few test programs that want one.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

/// `SIZE` bytes of the program's image, given out once: what is freed is lost. Made by [`heap!`](crate::heap!).
#[repr(C, align(4096))]
pub struct Heap<const SIZE: usize> {
    memory: UnsafeCell<[MaybeUninit<u8>; SIZE]>,
    used: AtomicUsize,
}

// SAFETY: each byte of the memory is given out at most once, because `used` only grows.
unsafe impl<const SIZE: usize> Sync for Heap<SIZE> {}

impl<const SIZE: usize> Heap<SIZE> {
    /// A heap of which nothing is used.
    #[expect(clippy::new_without_default, reason = "it is made in a static")]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            memory: UnsafeCell::new([MaybeUninit::uninit(); SIZE]),
            used: AtomicUsize::new(0),
        }
    }
}

// SAFETY: a block lies in the memory, begins at a multiple of its alignment, which is a page's at most, and overlaps no
// other. Nothing here allocates or panics.
unsafe impl<const SIZE: usize> GlobalAlloc for Heap<SIZE> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut place = 0;
        let taken = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                place = used.checked_next_multiple_of(layout.align())?;
                place.checked_add(layout.size()).filter(|end| *end <= SIZE)
            });
        if taken.is_err() || layout.align() > 4096 {
            return null_mut();
        }
        self.memory.get().cast::<u8>().wrapping_add(place)
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

/// Gives the program a heap of so many bytes.
#[macro_export]
macro_rules! heap {
    ($size:expr) => {
        #[global_allocator]
        static HEAP: $crate::heap::Heap<{ $size }> = $crate::heap::Heap::new();
    };
}
