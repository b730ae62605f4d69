//! The heap: one free list over the region that the manifest grants for it, if any.

use core::{
    alloc::{GlobalAlloc, Layout},
    mem::MaybeUninit,
    ptr::NonNull,
};

use linked_list_allocator::Heap;
use spin::Mutex;

/// Without a region every allocation fails.
#[global_allocator]
static ALLOCATOR: Allocator = Allocator(Mutex::new(Heap::empty()));

struct Allocator(Mutex<Heap>);

// SAFETY: `Heap` gives out blocks of its memory that do not overlap and fit the layout, and the lock
// is held by one caller at a time. Allocation does not panic and does not allocate, so it does
// not enter itself.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0
            .lock()
            .allocate_first_fit(layout)
            .map_or(core::ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: the caller vouches that `alloc` gave out the block with this layout.
            unsafe { self.0.lock().deallocate(block, layout) }
        }
    }
}

/// Makes `memory` the heap. To be called once; it is ignored when there is a heap.
pub(crate) fn add(memory: &'static mut [u8]) {
    let mut heap = ALLOCATOR.0.lock();
    if heap.size() == 0 && memory.len() >= size_of::<[usize; 4]>() {
        let (start, length) = (memory.as_mut_ptr(), memory.len());
        // SAFETY: uninitialised bytes may be anything, so initialised ones are fine; the memory
        // is borrowed for ever and only here.
        heap.init_from_slice(unsafe {
            core::slice::from_raw_parts_mut(start.cast::<MaybeUninit<u8>>(), length)
        });
    }
}
