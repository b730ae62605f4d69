//! A split virtqueue (section 2.7).

use super::chain::{Chain, SEGMENTS_MAX, Segment, Side};
use crate::{
    guest_memory::{GuestAddress, GuestMemory, OutsideMemory},
    number::{low_u16, low_u32},
};

/// Most entries of a queue.
pub(crate) const SIZE_MAX: u16 = 128;

/// Bytes of a descriptor.
const DESCRIPTOR_BYTES: u64 = 16;
/// Descriptor: another follows.
const FLAG_NEXT: u16 = 1;
/// Descriptor: for the device to write.
const FLAG_WRITE: u16 = 2;
/// Descriptor: points to a table of descriptors.
const FLAG_INDIRECT: u16 = 4;
/// Available ring: the driver wants no interrupt.
const NO_INTERRUPT: u16 = 1;
/// Used ring: the device wants no notification.
const NO_NOTIFY: u16 = 1;

/// How a driver broke the rules of its queue; the device then wants a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueError {
    /// A ring, table or piece lies outside of memory.
    Memory,
    /// The available index ran more than the queue's size ahead.
    Index,
    /// A descriptor index is behind the end of its table.
    Descriptor,
    /// A chain loops or is too long.
    Length,
    /// An indirect table is nested, empty or of an odd length.
    Indirect,
    /// A readable piece follows a writable one.
    Order,
}

impl From<OutsideMemory> for QueueError {
    fn from(_: OutsideMemory) -> Self {
        Self::Memory
    }
}

/// Places, size and positions of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) size: u16,
    pub(crate) enabled: bool,
    pub(crate) vector: u16,
    /// Descriptor table, available ring, used ring.
    pub(crate) areas: [u64; 3],
    pub(crate) next_available: u16,
    pub(crate) next_used: u16,
    /// `next_used` when the driver was last told.
    pub(super) announced: u16,
    pub(super) notifications: Notifications,
}

/// Whether the driver is to say that it made something available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notifications {
    /// It is: as after a reset.
    Wanted,
    /// The device looks by itself, or could do nothing with it.
    Unwanted,
}

struct Descriptor {
    address: GuestAddress,
    length: u32,
    flags: u16,
    next: u16,
}

impl Queue {
    /// A queue as after a reset.
    pub(crate) const fn new() -> Self {
        Self {
            size: SIZE_MAX,
            enabled: false,
            vector: crate::pci::NO_VECTOR,
            areas: [0; 3],
            next_available: 0,
            next_used: 0,
            announced: 0,
            notifications: Notifications::Wanted,
        }
    }

    /// Takes the next chain that the driver made available. A queue that is not enabled has none.
    pub(crate) fn pop(
        &mut self,
        memory: &impl GuestMemory,
        chain: &mut Chain,
    ) -> Result<bool, QueueError> {
        if !self.enabled {
            return Ok(false);
        }
        let index = memory.read_u16(place(self.areas[1], 2)?)?;
        let waiting = index.wrapping_sub(self.next_available);
        if waiting == 0 {
            return Ok(false);
        }
        if waiting > self.size {
            return Err(QueueError::Index);
        }
        let slot = u64::from(self.next_available & (self.size - 1));
        let head = memory.read_u16(place(self.areas[1], 4 + slot * 2)?)?;
        chain.restart(head);
        self.walk(memory, head, chain)?;
        self.next_available = self.next_available.wrapping_add(1);
        Ok(true)
    }

    /// Returns a chain with `written` bytes filled in.
    pub(crate) fn push_used(
        &mut self,
        memory: &impl GuestMemory,
        head: u16,
        written: u32,
    ) -> Result<(), QueueError> {
        let slot = u64::from(self.next_used & (self.size - 1));
        let element = (u64::from(written) << 32) | u64::from(head);
        memory.write(place(self.areas[2], 4 + slot * 8)?, &element.to_le_bytes())?;
        self.next_used = self.next_used.wrapping_add(1);
        memory.write(place(self.areas[2], 2)?, &self.next_used.to_le_bytes())?;
        Ok(())
    }

    /// Whether something was returned since the last time that this was asked, and the driver wants an
    /// interrupt for it.
    pub(crate) fn take_interrupt(&mut self, memory: &impl GuestMemory) -> Result<bool, QueueError> {
        if self.announced == self.next_used {
            return Ok(false);
        }
        self.announced = self.next_used;
        let flags = memory.read_u16(place(self.areas[1], 0)?)?;
        Ok(flags & NO_INTERRUPT == 0)
    }

    /// Tells the driver whether its notifications help (section 2.7.10).
    pub(crate) fn set_notifications(
        &mut self,
        memory: &impl GuestMemory,
        notifications: Notifications,
    ) -> Result<(), QueueError> {
        if !self.enabled || self.notifications == notifications {
            return Ok(());
        }
        self.notifications = notifications;
        let flags = match notifications {
            Notifications::Wanted => 0,
            Notifications::Unwanted => NO_NOTIFY,
        };
        memory.write(place(self.areas[2], 0)?, &flags.to_le_bytes())?;
        Ok(())
    }

    /// Follows a chain; a loop runs into the limit of its length.
    fn walk(
        &self,
        memory: &impl GuestMemory,
        head: u16,
        chain: &mut Chain,
    ) -> Result<(), QueueError> {
        let mut index = head;
        for _ in 0..self.size {
            if index >= self.size {
                return Err(QueueError::Descriptor);
            }
            let descriptor = read_descriptor(memory, self.areas[0], index)?;
            if descriptor.flags & FLAG_INDIRECT != 0 {
                if descriptor.flags & FLAG_NEXT != 0 {
                    return Err(QueueError::Indirect);
                }
                return walk_indirect(memory, &descriptor, chain);
            }
            append(chain, &descriptor)?;
            if descriptor.flags & FLAG_NEXT == 0 {
                return Ok(());
            }
            index = descriptor.next;
        }
        Err(QueueError::Length)
    }
}

fn walk_indirect(
    memory: &impl GuestMemory,
    table: &Descriptor,
    chain: &mut Chain,
) -> Result<(), QueueError> {
    let bytes = u64::from(table.length);
    let entries = bytes / DESCRIPTOR_BYTES;
    if bytes % DESCRIPTOR_BYTES != 0 || entries == 0 || entries > SEGMENTS_MAX as u64 {
        return Err(QueueError::Indirect);
    }
    let mut index = 0;
    for _ in 0..entries {
        if u64::from(index) >= entries {
            return Err(QueueError::Descriptor);
        }
        let descriptor = read_descriptor(memory, table.address.0, index)?;
        if descriptor.flags & FLAG_INDIRECT != 0 {
            return Err(QueueError::Indirect);
        }
        append(chain, &descriptor)?;
        if descriptor.flags & FLAG_NEXT == 0 {
            return Ok(());
        }
        index = descriptor.next;
    }
    Err(QueueError::Length)
}

fn append(chain: &mut Chain, descriptor: &Descriptor) -> Result<(), QueueError> {
    let side = if descriptor.flags & FLAG_WRITE != 0 {
        Side::Writable
    } else {
        Side::Readable
    };
    let segment = Segment {
        address: descriptor.address,
        length: descriptor.length,
    };
    if chain.push(segment, side) {
        Ok(())
    } else {
        Err(QueueError::Order)
    }
}

/// Reads a descriptor: address u64, length u32, flags u16, next u16.
fn read_descriptor(
    memory: &impl GuestMemory,
    table: u64,
    index: u16,
) -> Result<Descriptor, QueueError> {
    let mut words = [0; 16];
    memory.read(
        place(table, u64::from(index) * DESCRIPTOR_BYTES)?,
        &mut words,
    )?;
    let value = u128::from_le_bytes(words);
    let (low, high) = (low_u64(value), low_u64(value >> 64));
    Ok(Descriptor {
        address: GuestAddress(low),
        length: low_u32(high),
        flags: low_u16(high >> 32),
        next: low_u16(high >> 48),
    })
}

fn low_u64(value: u128) -> u64 {
    u64::try_from(value & u128::from(u64::MAX)).unwrap_or(0)
}

fn place(area: u64, offset: u64) -> Result<GuestAddress, QueueError> {
    GuestAddress(area)
        .checked_add(offset)
        .ok_or(QueueError::Memory)
}
