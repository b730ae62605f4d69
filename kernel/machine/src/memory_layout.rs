//! Where the kernel's virtual memory lies.
//!
//! All of it is under the last entry of the root table, so that a new address space gets it by one
//! entry: the direct map of RAM (510 GiB), the kernel image's window, the window of devices.

/// All RAM, writable and never executable; the kernel image is left out.
pub(crate) const DIRECT_MAP: u64 = 0xffff_ff80_0000_0000;

/// RAM at and above this physical address is not used.
pub(crate) const DIRECT_MAP_BYTES: u64 = 510 << 30;

/// The kernel image is linked at its physical address plus this.
pub(crate) const IMAGE_OFFSET: u64 = 0xffff_ffff_8000_0000;

/// The interrupt controllers' registers: a page each.
pub(crate) const DEVICE_WINDOW: u64 = 0xffff_ffff_c000_0000;

/// A number of bytes or an index, as the language counts them.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the kernel runs on 64-bit processors only"
)]
pub(crate) const fn count(bytes: u64) -> usize {
    bytes as usize
}

/// The smallest page.
pub(crate) const PAGE: u64 = 4096;

/// A large page.
pub(crate) const LARGE_PAGE: u64 = 2 << 20;

/// A huge page.
pub(crate) const HUGE_PAGE: u64 = 1 << 30;
