//! Loads, stores and copies that the compiler does not see.
//!
//! Assembler, for the reason given in the crate's documentation. Copies of a page and more use
//! 32-byte registers where the kernel saves them: no slower than `rep movsb` on processors that have it
//! fast, and far fewer steps where `rep` counts each byte (an emulator).

use core::arch::asm;

// "avx2" rather than "avx": only for it does the crate look whether the kernel saves the upper halves.
cpufeatures::new!(wide_registers, "avx2");

/// Shorter copies do not gain from 32-byte registers.
const WIDE_MIN: usize = 256;

macro_rules! word_access {
    ($load:ident, $store:ident, $word:ty, $class:ident, $template:literal, $move:literal) => {
        /// Loads a word once, at any alignment; in one piece when it is aligned.
        ///
        /// # Safety
        ///
        /// The word at `source` is mapped for reading.
        #[inline(always)]
        #[must_use]
        pub unsafe fn $load(source: *const u8) -> $word {
            let word: $word;
            // SAFETY: the caller vouches that the word can be read; the load changes nothing.
            unsafe {
                asm!(concat!($move, " {word", $template, "}, [{source}]"),
                    word = lateout($class) word, source = in(reg) source,
                    options(nostack, preserves_flags));
            }
            word
        }

        /// Stores a word once, at any alignment; in one piece when it is aligned.
        ///
        /// # Safety
        ///
        /// The word at `destination` is mapped for writing and no reference to it exists.
        #[inline(always)]
        pub unsafe fn $store(destination: *mut u8, word: $word) {
            // SAFETY: the caller vouches that the word can be written and that nobody in this
            // program relies on what it holds.
            unsafe {
                asm!(concat!($move, " [{destination}], {word", $template, "}"),
                    word = in($class) word, destination = in(reg) destination,
                    options(nostack, preserves_flags));
            }
        }
    };
}

word_access!(load_u8, store_u8, u8, reg_byte, "", "mov");
word_access!(load_u16, store_u16, u16, reg, ":x", "mov");
word_access!(load_u32, store_u32, u32, reg, ":e", "mov");
word_access!(load_u64, store_u64, u64, reg, ":r", "mov");

/// Copies `length` bytes upwards. The places may overlap if `destination` is below `source`.
///
/// # Safety
///
/// `length` bytes at `source` are mapped for reading and at `destination` for writing; no
/// reference to either exists but one that the caller holds and lends by these pointers.
#[inline]
pub unsafe fn copy(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: each callee needs what our caller vouches for, and its own range of lengths.
    unsafe {
        match length {
            0 => {}
            1..16 => copy_short(destination, source, length),
            16..WIDE_MIN => copy_blocks(destination, source, length),
            _ if wide_registers::get() => copy_wide(destination, source, length),
            _ => copy_blocks(destination, source, length),
        }
    }
}

/// Copies 1 to 15 bytes as two words that may overlap, both loaded before either is stored.
#[inline]
unsafe fn copy_short(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: every word lies within `length` bytes of its pointer, which the caller vouches for.
    unsafe {
        if length >= 8 {
            let (head, tail) = (load_u64(source), load_u64(source.add(length - 8)));
            store_u64(destination, head);
            store_u64(destination.add(length - 8), tail);
        } else if length >= 4 {
            let (head, tail) = (load_u32(source), load_u32(source.add(length - 4)));
            store_u32(destination, head);
            store_u32(destination.add(length - 4), tail);
        } else if length >= 2 {
            let (head, tail) = (load_u16(source), load_u16(source.add(length - 2)));
            store_u16(destination, head);
            store_u16(destination.add(length - 2), tail);
        } else {
            store_u8(destination, load_u8(source));
        }
    }
}

/// Copies 16 bytes or more: blocks of 64, then 32 and 16, then the last 16, loaded first.
#[inline]
unsafe fn copy_blocks(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the loop stays below `length` rounded down to 64, the two steps behind it take the
    // next two bits of `length`, and the last block ends at `length`, which is at least 16.
    unsafe {
        asm!(
            "movups {last}, [rsi + rcx - 16]",
            "lea {end}, [rdi + rcx - 16]",
            "sub rcx, 64",
            "jb 3f",
            "2:",
            "movups {a}, [rsi]",
            "movups {b}, [rsi + 16]",
            "movups {c}, [rsi + 32]",
            "movups {d}, [rsi + 48]",
            "movups [rdi], {a}",
            "movups [rdi + 16], {b}",
            "movups [rdi + 32], {c}",
            "movups [rdi + 48], {d}",
            "add rsi, 64",
            "add rdi, 64",
            "sub rcx, 64",
            "jae 2b",
            "3:",
            "test cl, 32",
            "jz 4f",
            "movups {a}, [rsi]",
            "movups {b}, [rsi + 16]",
            "movups [rdi], {a}",
            "movups [rdi + 16], {b}",
            "add rsi, 32",
            "add rdi, 32",
            "4:",
            "test cl, 16",
            "jz 5f",
            "movups {a}, [rsi]",
            "movups [rdi], {a}",
            "5:",
            "movups [{end}], {last}",
            inout("rdi") destination => _,
            inout("rsi") source => _,
            inout("rcx") length => _,
            end = out(reg) _,
            last = out(xmm_reg) _,
            a = out(xmm_reg) _,
            b = out(xmm_reg) _,
            c = out(xmm_reg) _,
            d = out(xmm_reg) _,
            options(nostack),
        );
    }
}

/// Copies 128 bytes or more with 32-byte registers: blocks of 128, then the last 128, loaded first.
///
/// Never inlined: it leaves the upper halves of all vector registers zero, which only a function
/// call may do.
#[inline(never)]
unsafe fn copy_wide(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the loop stays below `length` rounded down to 128 and the last block ends at
    // `length`; the registers exist because the caller asked the CPU and the kernel saves them.
    unsafe {
        asm!(
            "vmovups ymm4, [rsi + rcx - 128]",
            "vmovups ymm5, [rsi + rcx - 96]",
            "vmovups ymm6, [rsi + rcx - 64]",
            "vmovups ymm7, [rsi + rcx - 32]",
            "lea {end}, [rdi + rcx - 128]",
            "2:",
            "vmovups ymm0, [rsi]",
            "vmovups ymm1, [rsi + 32]",
            "vmovups ymm2, [rsi + 64]",
            "vmovups ymm3, [rsi + 96]",
            "vmovups [rdi], ymm0",
            "vmovups [rdi + 32], ymm1",
            "vmovups [rdi + 64], ymm2",
            "vmovups [rdi + 96], ymm3",
            "sub rsi, -128",
            "sub rdi, -128",
            "cmp rdi, {end}",
            "jb 2b",
            "vmovups [{end}], ymm4",
            "vmovups [{end} + 32], ymm5",
            "vmovups [{end} + 64], ymm6",
            "vmovups [{end} + 96], ymm7",
            "vzeroupper",
            inout("rdi") destination => _,
            inout("rsi") source => _,
            in("rcx") length,
            end = out(reg) _,
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
            out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
            options(nostack),
        );
    }
}

/// Adds `length` bytes up as little-endian words of 64 bits, a rest filled up with zeroes; every carry is added
/// at the low end again. Modulo 2^16 - 1 that is the sum of the same bytes as words of 16 bits.
///
/// # Safety
///
/// `length` bytes at `source` are mapped for reading.
#[inline]
#[must_use]
pub unsafe fn sum(source: *const u8, length: usize) -> u64 {
    const BLOCK: usize = 64;
    let (blocks, rest) = (length / BLOCK, length % BLOCK);
    let mut sum: u64 = 0;
    let mut place = source;
    if blocks > 0 {
        // SAFETY: the loop reads `blocks` times 64 bytes from `source` on, which lie within `length`.
        unsafe {
            asm!(
                "xor {sum:e}, {sum:e}",
                "2:",
                "adc {sum}, [{place}]",
                "adc {sum}, [{place} + 8]",
                "adc {sum}, [{place} + 16]",
                "adc {sum}, [{place} + 24]",
                "adc {sum}, [{place} + 32]",
                "adc {sum}, [{place} + 40]",
                "adc {sum}, [{place} + 48]",
                "adc {sum}, [{place} + 56]",
                "lea {place}, [{place} + 64]",
                "dec {blocks}",
                "jnz 2b",
                // Adding the last carry may carry once more.
                "adc {sum}, 0",
                "adc {sum}, 0",
                sum = out(reg) sum,
                place = inout(reg) place,
                blocks = inout(reg) blocks => _,
                options(nostack, readonly),
            );
        }
    }
    let mut add = |word: u64| {
        let (total, carry) = sum.overflowing_add(word);
        sum = total + u64::from(carry);
    };
    // SAFETY: the words and the bytes behind them lie in the `rest` bytes from `place` on.
    unsafe {
        for word in 0..rest / 8 {
            add(load_u64(place.add(8 * word)));
        }
        let mut last = 0;
        for byte in 0..rest % 8 {
            last |= u64::from(load_u8(place.add(rest / 8 * 8 + byte))) << (8 * byte);
        }
        add(last);
    }
    sum
}

/// Sets `length` bytes to `byte`.
///
/// # Safety
///
/// `length` bytes at `destination` are mapped for writing; no reference to them exists but one
/// that the caller holds and lends by this pointer.
#[inline]
pub unsafe fn fill(destination: *mut u8, byte: u8, length: usize) {
    let word = u64::from(byte) * 0x0101_0101_0101_0101;
    // SAFETY: every store lies within `length` bytes: the loop below `length` rounded down to 16,
    // the last 16 bytes end at `length`; the short stores are those of `copy_short`.
    unsafe {
        match length {
            0 => {}
            1 => store_u8(destination, byte),
            2..8 => {
                for index in 0..length {
                    store_u8(destination.add(index), byte);
                }
            }
            8..16 => {
                store_u64(destination, word);
                store_u64(destination.add(length - 8), word);
            }
            _ => asm!(
                "movq {pattern}, {word}",
                "punpcklqdq {pattern}, {pattern}",
                "lea {end}, [rdi + rcx - 16]",
                "shr rcx, 6",
                "jz 3f",
                "2:",
                "movups [rdi], {pattern}",
                "movups [rdi + 16], {pattern}",
                "movups [rdi + 32], {pattern}",
                "movups [rdi + 48], {pattern}",
                "add rdi, 64",
                "dec rcx",
                "jnz 2b",
                "3:",
                "cmp rdi, {end}",
                "jae 4f",
                "movups [rdi], {pattern}",
                "add rdi, 16",
                "jmp 3b",
                "4:",
                "movups [{end}], {pattern}",
                word = in(reg) word,
                pattern = out(xmm_reg) _,
                end = out(reg) _,
                inout("rdi") destination => _,
                inout("rcx") length => _,
                options(nostack),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGIN: usize = 32;

    /// Every length up to a few blocks, at several alignments, with a margin that must not change.
    #[test]
    fn copies_are_exact_at_every_length() {
        let source: Vec<u8> = (1..=251).cycle().take(2048).collect();
        for length in (0..700).chain([1023, 1024, 1500]) {
            for shift in [0, 1, 7, 16] {
                for copy in [copy as unsafe fn(_, _, _), copy_baseline] {
                    let mut destination = vec![0; MARGIN + length + MARGIN];
                    // SAFETY: both vectors are long enough and borrowed here alone.
                    unsafe {
                        copy(
                            destination[MARGIN..].as_mut_ptr(),
                            source[shift..].as_ptr(),
                            length,
                        )
                    };
                    assert!(destination[..MARGIN].iter().all(|byte| *byte == 0));
                    assert_eq!(destination[MARGIN..][..length], source[shift..][..length]);
                    assert!(destination[MARGIN + length..].iter().all(|byte| *byte == 0));
                }
            }
        }
    }

    unsafe fn copy_baseline(destination: *mut u8, source: *const u8, length: usize) {
        // SAFETY: as for `copy`.
        unsafe {
            match length {
                0 => {}
                1..16 => copy_short(destination, source, length),
                _ => copy_blocks(destination, source, length),
            }
        }
    }

    #[test]
    fn overlapping_copies_downwards_are_exact() {
        for length in 0..700 {
            for distance in [1, 5, 16, 100] {
                let mut bytes: Vec<u8> = (0..=250).cycle().take(1024).collect();
                let expected = bytes[distance..][..length].to_vec();
                let base = bytes.as_mut_ptr();
                // SAFETY: both places lie in the vector, which is borrowed here alone.
                unsafe { copy(base, base.add(distance), length) };
                assert_eq!(bytes[..length], expected);
            }
        }
    }

    #[test]
    fn sums_are_exact_at_every_length() {
        let mixed: Vec<u8> = (1..=251).cycle().take(2048).collect();
        // Only all ones carry out of the last addition of a carry.
        for bytes in [mixed, vec![0xff; 2048]] {
            for length in (0..300).chain([1400, 1500]) {
                for shift in [0, 1, 6] {
                    let bytes = &bytes[shift..][..length];
                    let words = bytes.chunks(2).map(|pair| {
                        u64::from(pair[0]) | u64::from(*pair.get(1).unwrap_or(&0)) << 8
                    });
                    let expected: u64 = words.sum();
                    // SAFETY: the bytes are a slice.
                    let sum = unsafe { sum(bytes.as_ptr(), length) };
                    assert_eq!(sum % 0xffff, expected % 0xffff, "{length} bytes");
                    assert_eq!(sum == 0, expected == 0, "{length} bytes");
                }
            }
        }
    }

    #[test]
    fn fills_are_exact_at_every_length() {
        for length in 0..300 {
            let mut bytes = vec![0x11; MARGIN + length + MARGIN];
            // SAFETY: the vector is long enough and borrowed here alone.
            unsafe { fill(bytes[MARGIN..].as_mut_ptr(), 0xee, length) };
            assert!(bytes[..MARGIN].iter().all(|byte| *byte == 0x11));
            assert!(bytes[MARGIN..][..length].iter().all(|byte| *byte == 0xee));
            assert!(bytes[MARGIN + length..].iter().all(|byte| *byte == 0x11));
        }
    }

    #[test]
    fn words_are_little_endian_at_any_alignment() {
        let mut bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0];
        let base = bytes.as_mut_ptr();
        // SAFETY: all words lie in the array, which is borrowed here alone.
        unsafe {
            assert_eq!(load_u8(base), 1);
            assert_eq!(load_u16(base.add(1)), 0x0302);
            assert_eq!(load_u32(base.add(1)), 0x0504_0302);
            assert_eq!(load_u64(base.add(1)), 0x0908_0706_0504_0302);
            store_u32(base.add(3), 0xdead_beef);
            store_u16(base, 0xaabb);
            store_u8(base.add(9), 0x77);
        }
        assert_eq!(bytes, [0xbb, 0xaa, 3, 0xef, 0xbe, 0xad, 0xde, 8, 9, 0x77]);
    }
}
