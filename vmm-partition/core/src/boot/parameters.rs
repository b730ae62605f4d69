//! Linux's boot parameters, the "zero page" (Linux, Documentation/arch/x86/zero-page.rst).

use super::{
    bzimage::{HEAD_BYTES, HEADER_START, Kernel},
    memory_map,
};
use crate::{
    guest_memory::GuestAddress,
    layout::COMMAND_LINE,
    number::{low_u8, low_u32},
};

/// Bytes of the parameters.
pub(super) const PARAMETER_BYTES: usize = 0x1000;
/// "Some boot loader without a number".
const LOADER: u8 = 0xff;

/// Where the initial RAM disk is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct InitialRamDisk {
    pub(super) address: u64,
    pub(super) bytes: u64,
}

/// Fills in the parameters; the kernel's own header is the basis.
pub(super) fn build(
    head: &[u8; HEAD_BYTES],
    kernel: &Kernel,
    initrd: InitialRamDisk,
    ram: u64,
    rsdp: GuestAddress,
) -> [u8; PARAMETER_BYTES] {
    let mut page = [0; PARAMETER_BYTES];
    let mut put = |at: usize, bytes: &[u8]| {
        for (place, byte) in page.iter_mut().skip(at).zip(bytes) {
            *place = *byte;
        }
    };
    put(
        HEADER_START,
        head.get(HEADER_START..kernel.header_end).unwrap_or(&[]),
    );
    put(0x070, &rsdp.0.to_le_bytes());
    put(0x210, &[LOADER]);
    put(0x218, &low_u32(initrd.address).to_le_bytes());
    put(0x21c, &low_u32(initrd.bytes).to_le_bytes());
    put(0x228, &low_u32(COMMAND_LINE.0).to_le_bytes());
    let ranges = memory_map::ranges(ram);
    put(0x1e8, &[low_u8(ranges.len() as u64)]);
    for (index, (start, bytes, kind)) in ranges.iter().enumerate() {
        let at = 0x2d0 + index * 20;
        put(at, &start.to_le_bytes());
        put(at + 8, &bytes.to_le_bytes());
        put(at + 16, &kind.to_le_bytes());
    }
    page
}
