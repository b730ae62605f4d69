//! Finding the entry for an address.

use core::cell::Cell;

use super::Entry;
use crate::capability::Level;
use crate::error::LookupFailure;
use crate::{Kernel, Machine, TableRef};

/// An entry of a paging structure.
pub(crate) struct EntryCell<'a>(&'a Cell<u64>);

impl EntryCell<'_> {
    #[inline(always)]
    pub(crate) fn get(&self) -> Entry {
        Entry::from_word(self.0.get())
    }

    #[inline(always)]
    pub(crate) fn set(&self, entry: Entry) {
        self.0.set(entry.word());
    }
}

impl<M: Machine> Kernel<M> {
    /// The entry for `address` in the table of `level` below a root.
    #[inline(always)]
    pub(crate) fn entry(
        &self,
        root: TableRef,
        address: u64,
        level: Level,
    ) -> Result<EntryCell<'_>, LookupFailure> {
        let mut table = root;
        for above in [Level::Root, Level::Pointers, Level::Directory] {
            if above == level {
                break;
            }
            let missing = LookupFailure::MissingCapability {
                bits_left: u64::from(above.entry_bits()),
            };
            let physical = self.entry_in(table, address, above).get().as_table();
            let next = physical.map(|at| self.machine().kernel_address(at));
            table = next.and_then(TableRef::new).ok_or(missing)?;
        }
        Ok(self.entry_in(table, address, level))
    }

    #[inline(always)]
    fn entry_in(&self, table: TableRef, address: u64, level: Level) -> EntryCell<'_> {
        let index = (address >> level.entry_bits()) & 511;
        EntryCell(&self.machine().table(table)[(index & 511) as usize])
    }
}
