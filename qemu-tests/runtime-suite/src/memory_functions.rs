//! memcpy, memmove, memset and memcmp, against loops.

use alloc::{vec, vec::Vec};
use core::{cmp::Ordering, hint::black_box};

use runtime::{Random, RootTask};

const SIZE: usize = 2000;

fn noise() -> Vec<u8> {
    let mut bytes = vec![0; SIZE];
    Random::new([5; 32], 0).fill(&mut bytes);
    bytes
}

/// Lengths around every boundary that the copies know, and some long ones.
fn lengths() -> impl Iterator<Item = usize> {
    (0..300).chain([511, 512, 513, 1000, 1024, 1500])
}

pub(crate) fn copies(_: &RootTask) {
    let source = noise();
    for length in lengths() {
        let mut target = vec![0xa5; SIZE];
        target[3..3 + length].copy_from_slice(black_box(&source[5..5 + length]));
        for (index, byte) in target.iter().enumerate() {
            let inside = (3..3 + length).contains(&index);
            let expected = if inside { source[index + 2] } else { 0xa5 };
            assert_eq!(*byte, expected, "copy of {length} at {index}");
        }
        target[..length].fill(black_box(7));
        assert!(target[..length].iter().all(|byte| *byte == 7));
    }
}

pub(crate) fn moves(_: &RootTask) {
    for length in lengths() {
        for distance in [1, 7, 8, 33, 200] {
            let original = noise();
            let mut bytes = original.clone();
            bytes.copy_within(black_box(..length), distance);
            assert!(bytes[distance..][..length] == original[..length]);
            let mut bytes = original.clone();
            bytes.copy_within(black_box(distance..distance + length), 0);
            assert!(bytes[..length] == original[distance..][..length]);
        }
    }
}

pub(crate) fn compares(_: &RootTask) {
    let left = noise();
    for length in (1..70).chain([500]) {
        for place in [0, length / 2, length - 1] {
            let mut right = left.clone();
            right[place] ^= 0x80;
            let (a, b) = (&left[..length], &right[..length]);
            let expected = left[place].cmp(&right[place]);
            assert_eq!(black_box(a).cmp(black_box(b)), expected);
            assert_ne!(black_box(a), black_box(b));
        }
        let same = left.clone();
        let order = black_box(&left[..length]).cmp(black_box(&same[..length]));
        assert_eq!(order, Ordering::Equal);
    }
}
