//! What cryptography costs by itself, in instructions under `-icount shift=0,sleep=off`: the least of what the disk and the
//! tunnel can cost.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod disk;
mod tunnel;

use core::hint::black_box;

use test_support::cpu::ticks;

test_support::heap!(8 << 20);
test_support::root_task!(&[disk::MEASUREMENTS, tunnel::MEASUREMENTS]);

/// Does `work`; the instructions that it took stand beside its result.
fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let start = ticks();
    let result = black_box(work());
    (result, ticks() - start)
}
