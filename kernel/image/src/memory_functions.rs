//! The four memory functions that the compiler calls.
//!
//! The kernel moves few bytes, and those that it moves often in fixed places without a call: string
//! instructions are short and fast enough.

use core::arch::asm;

/// Copies `count` bytes; the regions must not overlap.
///
/// # Safety
/// `from` must be readable and `to` writable for `count` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: passed on.
    unsafe { copy_upwards(to, from, count) }
}

/// Copies `count` bytes, the lowest first.
///
/// # Safety
/// `from` must be readable and `to` writable for `count` bytes.
#[inline(always)]
unsafe fn copy_upwards(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller promises both regions; eight bytes at a time, then the rest.
    unsafe {
        asm!(
            "rep movsq",
            "mov rcx, rdx",
            "rep movsb",
            inout("rcx") count / 8 => _,
            in("rdx") count % 8,
            inout("rdi") to => _,
            inout("rsi") from => _,
            options(nostack, preserves_flags)
        );
    }
    to
}

/// Copies `count` bytes; the regions may overlap.
///
/// # Safety
/// `from` must be readable and `to` writable for `count` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= count {
        // SAFETY: passed on; copying upwards reads each byte before it is overwritten.
        return unsafe { copy_upwards(to, from, count) };
    }
    // SAFETY: the caller promises both regions; the direction flag is clear again afterwards.
    unsafe {
        asm!(
            "std",
            "rep movsb",
            "cld",
            inout("rcx") count => _,
            inout("rdi") to.wrapping_add(count).wrapping_sub(1) => _,
            inout("rsi") from.wrapping_add(count).wrapping_sub(1) => _,
            options(nostack)
        );
    }
    to
}

/// Fills `count` bytes with the low byte of `value`.
///
/// # Safety
/// `to` must be writable for `count` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, count: usize) -> *mut u8 {
    let pattern = u64::from(value.to_le_bytes()[0]) * 0x0101_0101_0101_0101;
    // SAFETY: the caller promises the region; eight bytes at a time, then the rest.
    unsafe {
        asm!(
            "rep stosq",
            "mov rcx, rdx",
            "rep stosb",
            inout("rcx") count / 8 => _,
            in("rdx") count % 8,
            in("rax") pattern,
            inout("rdi") to => _,
            options(nostack, preserves_flags)
        );
    }
    to
}

/// Compares `count` bytes: negative, zero or positive as the first difference is.
///
/// # Safety
/// Both must be readable for `count` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    for index in 0..count {
        // SAFETY: the index is below the count that the caller promises.
        let (a, b) = unsafe { (left.add(index).read(), right.add(index).read()) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}

/// Whether `count` bytes differ.
///
/// # Safety
/// Both must be readable for `count` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    // SAFETY: passed on.
    unsafe { memcmp(left, right, count) }
}
