//! Nested spaces: what guest-physical addresses mean. Their tables have one type for all levels below the
//! root; a table gets its level from the place where it is mapped.

use sel4_sys::extension::GUEST_PHYSICAL_BITS;

use super::Invocation;
use crate::capability::{Level, Mapping, Table};
use crate::error::Error;
use crate::{Kernel, Machine};

/// First address above all guest-physical ones.
pub(super) const GUEST_PHYSICAL_END: u64 = 1 << GUEST_PHYSICAL_BITS;

impl<M: Machine> Kernel<M> {
    pub(super) fn nested_table_map(
        &self,
        invocation: &Invocation,
        table: Table,
    ) -> Result<(), Error> {
        invocation.require(1, 1)?;
        if table.mapping.is_some() {
            return Err(Error::InvalidCapability(0));
        }
        let address = self.argument(invocation, 0);
        let (root, asid) = self.root_argument(invocation, true)?;
        if address >= GUEST_PHYSICAL_END {
            return Err(Error::InvalidArgument(0));
        }
        self.ensure_root_in_use(&root, asid)?;
        let level = [Level::Pointers, Level::Directory, Level::Table]
            .into_iter()
            .find(|level| {
                self.entry(root.object, address, level.above())
                    .is_ok_and(|entry| !entry.get().is_present())
            })
            .ok_or(Error::DeleteFirst)?;
        let address = address & !((1 << level.table_bits()) - 1);
        let table = Table { level, ..table };
        self.map_table(invocation, table, &root, Mapping { asid, address })
    }
}
