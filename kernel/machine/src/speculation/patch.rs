//! Makes the kernel's code at boot what the processor needs.

use kernel_core::Region;

use crate::memory_layout::IMAGE_OFFSET;

unsafe extern "C" {
    /// Measures, any of which counts; a place in the code; what it then jumps to.
    static speculation_hooks: [[u64; 3]; 9];
    static __x86_return_thunk: u8;
}

/// A jump to a place relative to its end, four bytes.
const JUMP: u8 = 0xe9;
const JUMP_BYTES: u64 = 5;

/// Puts the measures into the kernel's text.
///
/// # Safety
/// The text is writable and nobody else runs it.
pub(crate) unsafe fn patch(on: u64, text: Region) {
    let (start, end) = (text.start.0 + IMAGE_OFFSET, text.end.0 + IMAGE_OFFSET);
    // SAFETY: hooks are five bytes of code or more, whose replacements do what they did. A jump to the
    // thunk is found nowhere but where there is one (`cargo xtask check returns`), and is replaced by what
    // returns as the thunk does. The caller promises the rest.
    unsafe {
        let thunk = &raw const __x86_return_thunk as u64;
        let mut returns = None;
        for [measures, place, replacement] in speculation_hooks {
            match on & measures {
                0 => (),
                _ if place == thunk => returns = Some(replacement),
                _ => write_jump(place, replacement),
            }
        }
        for at in start..end - JUMP_BYTES {
            if *(at as *const u8) == JUMP {
                let distance = ((at + 1) as *const i32).read_unaligned();
                match returns {
                    _ if (at + JUMP_BYTES).wrapping_add_signed(distance.into()) != thunk => (),
                    Some(kind) => write_jump(at, kind),
                    None => (at as *mut [u8; 5]).write([0xc3, 0xcc, 0xcc, 0xcc, 0xcc]),
                }
            }
        }
    }
}

/// # Safety
/// See [`patch`].
unsafe fn write_jump(at: u64, to: u64) {
    let [a, b, c, d, ..] = to.wrapping_sub(at + JUMP_BYTES).to_le_bytes();
    // SAFETY: passed on.
    unsafe { (at as *mut [u8; 5]).write([JUMP, a, b, c, d]) };
}
