//! MSI-X: a table of messages in a BAR of its own (PCI Local Bus Specification 3.0, 6.8.2).

/// "No vector" of virtio and of this table's users.
pub(crate) const NO_VECTOR: u16 = 0xffff;

/// Bytes of a table entry.
const ENTRY_BYTES: u64 = 16;
/// Where the pending bits stand in the BAR.
pub(crate) const PENDING_OFFSET: u64 = 0x800;
/// Vector control: masked.
const MASKED: u32 = 1;

/// One entry: address low, address high, data, vector control.
#[derive(Clone, Copy, Debug)]
struct Entry([u32; 4]);

/// Most vectors of a function here.
pub(crate) const VECTORS_MAX: usize = 4;

/// The table, and what is held back by masks.
pub(crate) struct MsixTable {
    entries: [Entry; VECTORS_MAX],
    vectors: u16,
    pending: u64,
}

/// A message to send.
pub(crate) type MsiMessage = (u64, u32);

impl MsixTable {
    /// A table of `vectors` masked entries.
    pub(crate) fn new(vectors: u16) -> Self {
        Self {
            entries: [Entry([0, 0, 0, MASKED]); VECTORS_MAX],
            vectors,
            pending: 0,
        }
    }

    /// Reads four bytes of the BAR.
    pub(crate) fn read(&self, offset: u64) -> u32 {
        if offset == PENDING_OFFSET {
            return crate::number::low_u32(self.pending);
        }
        match self.place(offset) {
            Some((entry, word)) => self.entries[entry].0[word],
            None => 0,
        }
    }

    /// Writes four bytes of the BAR; unmasking a pending entry answers its message.
    pub(crate) fn write(&mut self, offset: u64, value: u32, enabled: bool) -> Option<MsiMessage> {
        let (entry, word) = self.place(offset)?;
        self.entries[entry].0[word] = if word == 3 { value & MASKED } else { value };
        if enabled {
            self.take_pending(entry)
        } else {
            None
        }
    }

    /// Asks for `vector`'s message; a masked one becomes pending.
    pub(crate) fn trigger(&mut self, vector: u16, enabled: bool) -> Option<MsiMessage> {
        if vector >= self.vectors {
            return None;
        }
        self.pending |= 1 << vector;
        if enabled {
            self.take_pending(usize::from(vector))
        } else {
            None
        }
    }

    /// Any pending message that is not masked any more.
    pub(crate) fn next_pending(&mut self) -> Option<MsiMessage> {
        (0..usize::from(self.vectors)).find_map(|entry| self.take_pending(entry))
    }

    fn take_pending(&mut self, entry: usize) -> Option<MsiMessage> {
        let [low, high, data, control] = self.entries.get(entry)?.0;
        if self.pending & (1 << entry) == 0 || control & MASKED != 0 {
            return None;
        }
        self.pending &= !(1 << entry);
        Some((u64::from(low) | (u64::from(high) << 32), data))
    }

    fn place(&self, offset: u64) -> Option<(usize, usize)> {
        let entry = usize::try_from(offset / ENTRY_BYTES).ok()?;
        let word = usize::try_from(offset % ENTRY_BYTES / 4).ok()?;
        (entry < usize::from(self.vectors)).then_some((entry, word))
    }
}
