//! Moving an unpacked kernel in its virtual address space, so that no attacker knows where it is.
//!
//! Where it lies in the guest's physical memory stays as it is: the kernel makes its own page tables from
//! both. Behind the ELF file stand three lists of places, read from the end, each ended by a zero
//! (Linux, arch/x86/tools/relocs.c): 32-bit words to which the distance is added, 32-bit words from which
//! it is taken (offsets from per-CPU data, which does not move), and 64-bit words to which it is added.

use super::{
    bzimage::Kernel,
    error::BootError,
    image::{Image, Part},
};
use crate::{
    guest_memory::{GuestAddress, GuestMemory},
    number::low_u32,
};

/// Virtual address of the physical address 0 in the kernel's own mapping.
const KERNEL_MAPPING: u64 = 0xffff_ffff_8000_0000;
/// Bytes of that mapping.
const KERNEL_MAPPING_BYTES: u64 = 1 << 30;

/// Bytes of the lists that are read at a time.
const PIECE_BYTES: usize = 2048;

/// What is done at the places of a list.
#[derive(Clone, Copy)]
enum Change {
    Add32,
    Subtract32,
    Add64,
}

/// A distance that keeps the kernel in its mapping, picked by `random`.
pub(super) fn pick_distance(kernel: &Kernel, random: u64) -> u64 {
    let end = kernel.load_address.saturating_add(kernel.initial_bytes);
    let room = KERNEL_MAPPING_BYTES.saturating_sub(end);
    let slots = room / kernel.alignment + 1;
    random % slots * kernel.alignment
}

/// Changes every place in the lists at the end of `lists`.
pub(super) fn relocate(
    lists: &Part<'_, impl Image + ?Sized>,
    distance: u64,
    memory: &impl GuestMemory,
) -> Result<(), BootError> {
    let mut words = Backwards::new(lists);
    for change in [Change::Add32, Change::Subtract32, Change::Add64] {
        loop {
            // A list that nothing ends is none.
            let place = words.next().ok_or(BootError::BadSegments)?;
            if place == 0 {
                break;
            }
            // The lists hold the lower half of virtual addresses.
            let virtual_address = u64::from(place) | (u64::from(u32::MAX) << 32);
            let address = GuestAddress(virtual_address.wrapping_sub(KERNEL_MAPPING));
            apply(change, address, distance, memory)?;
        }
    }
    Ok(())
}

fn apply(
    change: Change,
    address: GuestAddress,
    distance: u64,
    memory: &impl GuestMemory,
) -> Result<(), BootError> {
    let mut low = [0; 4];
    if let Change::Add64 = change {
        let value = memory.read_u64(address)?.wrapping_add(distance);
        return Ok(memory.write(address, &value.to_le_bytes())?);
    }
    memory.read(address, &mut low)?;
    let value = u32::from_le_bytes(low);
    let value = match change {
        Change::Subtract32 => value.wrapping_sub(low_u32(distance)),
        Change::Add32 | Change::Add64 => value.wrapping_add(low_u32(distance)),
    };
    Ok(memory.write(address, &value.to_le_bytes())?)
}

/// The 32-bit words of a part, from its end.
struct Backwards<'p, 'a, I: ?Sized> {
    part: &'p Part<'a, I>,
    /// Bytes in front of what is in the buffer.
    unread: u64,
    buffer: [u8; PIECE_BYTES],
    /// Bytes of the buffer that are still to come.
    left: usize,
}

impl<'p, 'a, I: Image + ?Sized> Backwards<'p, 'a, I> {
    fn new(part: &'p Part<'a, I>) -> Self {
        Self {
            part,
            unread: part.length(),
            buffer: [0; PIECE_BYTES],
            left: 0,
        }
    }

    fn refill(&mut self) {
        let length = self.unread.min(PIECE_BYTES as u64);
        self.unread -= length;
        self.left = usize::try_from(length).unwrap_or(0);
        if let Some(piece) = self.buffer.get_mut(..self.left) {
            self.part.read_at(self.unread, piece);
        }
    }

    fn next(&mut self) -> Option<u32> {
        if self.left < 4 {
            self.refill();
        }
        let (_, word) = self.buffer.get(..self.left)?.split_last_chunk()?;
        self.left -= word.len();
        Some(u32::from_le_bytes(*word))
    }
}
