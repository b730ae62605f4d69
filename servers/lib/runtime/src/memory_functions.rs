//! The functions that the compiler calls for copies, fills and comparisons.
//!
//! The copies are the assembler of `shared_memory::access`, which the compiler cannot turn back into a call
//! of these functions.

use shared_memory::access;

/// Copies `count` bytes between places that do not overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller vouches for both places, as C demands.
    unsafe { access::copy(to, from, count) };
    to
}

/// Copies `count` bytes between places that may overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if to.addr().wrapping_sub(from.addr()) >= count {
        // SAFETY: as for memcpy; `to` is below `from`, or behind its end.
        unsafe { access::copy(to, from, count) };
    } else {
        // SAFETY: as for memcpy; `to` is inside the source.
        unsafe { copy_downwards(to, from, count) };
    }
    to
}

/// Copies from the end, for places where the start of the one overlaps the end of the other.
unsafe fn copy_downwards(to: *mut u8, from: *const u8, count: usize) {
    let mut left = count;
    // SAFETY: each step copies bytes below `left`, which is at most `count`; a word is loaded whole
    // before it is stored, and the bytes behind it were copied before.
    unsafe {
        while left >= 8 {
            left -= 8;
            access::store_u64(to.add(left), access::load_u64(from.add(left)));
        }
        while left > 0 {
            left -= 1;
            access::store_u8(to.add(left), access::load_u8(from.add(left)));
        }
    }
}

/// Sets `count` bytes to the low byte of `value`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, count: usize) -> *mut u8 {
    // SAFETY: the caller vouches for the place, as C demands.
    unsafe { access::fill(to, value.to_le_bytes()[0], count) };
    to
}

/// The order of two stretches of `count` bytes: negative, zero or positive.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    let mut index = 0;
    // SAFETY: every load lies below `count`, for which the caller vouches.
    unsafe {
        while count - index >= 8 {
            let (a, b) = (
                access::load_u64(left.add(index)),
                access::load_u64(right.add(index)),
            );
            if a != b {
                return if a.swap_bytes() < b.swap_bytes() {
                    -1
                } else {
                    1
                };
            }
            index += 8;
        }
        while index < count {
            let (a, b) = (
                access::load_u8(left.add(index)),
                access::load_u8(right.add(index)),
            );
            if a != b {
                return i32::from(a) - i32::from(b);
            }
            index += 1;
        }
    }
    0
}

/// Whether two stretches of `count` bytes differ.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    // SAFETY: as for memcmp.
    unsafe { memcmp(left, right, count) }
}

/// Bytes before the first zero.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: the caller vouches that a zero follows.
    while unsafe { access::load_u8(text.add(length)) } != 0 {
        length += 1;
    }
    length
}
