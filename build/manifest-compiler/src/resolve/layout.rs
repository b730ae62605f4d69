//! Where things lie in a component's address space.

use compiled_manifest::{Content, FrameSize, Frames};

/// Programs start here or above.
pub(super) const PROGRAM: u64 = 0x40_0000;
/// The stack ends here.
pub(super) const STACK_TOP: u64 = 0x1000_0000;
/// The IPC buffer, one page.
pub(super) const IPC_BUFFER: u64 = 0x1000_0000;
/// The environment.
pub(super) const ENVIRONMENT: u64 = 0x1000_1000;
/// Bytes of the environment.
pub(super) const ENVIRONMENT_SIZE: u64 = 16 << 10;
/// The heap.
pub(super) const HEAP: u64 = 0x2000_0000;
/// All other regions, upwards.
pub(super) const REGIONS: u64 = 0x1_0000_0000;
/// Regions start at multiples of this, and as much lies unmapped between them.
pub(super) const REGION_STEP: u64 = 2 << 20;

/// Smallest page.
const PAGE: u64 = 4096;

/// Frames for `bytes`, large ones where they fit exactly.
pub(super) fn frames(bytes: u64, content: Content) -> Frames {
    let size = if bytes.is_multiple_of(FrameSize::Large.bytes()) {
        FrameSize::Large
    } else {
        FrameSize::Small
    };
    frames_of(size, bytes, content)
}

/// Small frames for `bytes`.
pub(super) fn small_frames(bytes: u64, content: Content) -> Frames {
    frames_of(FrameSize::Small, bytes, content)
}

fn frames_of(size: FrameSize, bytes: u64, content: Content) -> Frames {
    // Sizes were checked to be below 4 GiB, so a count always fits.
    let count = u32::try_from(bytes.div_ceil(size.bytes())).unwrap_or(u32::MAX);
    Frames {
        size,
        count,
        content,
    }
}

/// Where the region behind one of `bytes` at `address` starts.
pub(super) fn next_region(address: u64, bytes: u64) -> u64 {
    (address + bytes.next_multiple_of(PAGE)).next_multiple_of(REGION_STEP) + REGION_STEP
}
