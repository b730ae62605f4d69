//! Paging structures below the root: map and unmap.

use sel4_sys::extension::label as extension;
use sel4_sys::invocation as label;
use sel4_sys::object::USER_TOP;

use super::Invocation;
use crate::capability::{Capability, Level, Mapping, Table};
use crate::error::{Error, Stop};
use crate::space::Entry;
use crate::{Kernel, Machine};

/// Bytes of a table, whatever its level.
const TABLE_BYTES: u64 = 4096;

/// What is asked of a table, whatever its level.
enum Operation {
    Map,
    Unmap,
}

fn operation(table: &Table, number: u64) -> Option<Operation> {
    let (map, unmap) = match (table.nested, table.level) {
        (_, Level::Root) => return None,
        (true, _) => (extension::NESTED_TABLE_MAP, extension::NESTED_TABLE_UNMAP),
        (false, Level::Pointers) => (label::X86_PDPT_MAP, label::X86_PDPT_UNMAP),
        (false, Level::Directory) => (
            label::X86_PAGE_DIRECTORY_MAP,
            label::X86_PAGE_DIRECTORY_UNMAP,
        ),
        (false, Level::Table) => (label::X86_PAGE_TABLE_MAP, label::X86_PAGE_TABLE_UNMAP),
    };
    match number {
        _ if number == map => Some(Operation::Map),
        _ if number == unmap => Some(Operation::Unmap),
        _ => None,
    }
}

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_table(&self, invocation: &Invocation, table: Table) -> Result<(), Stop> {
        match operation(&table, invocation.label) {
            Some(Operation::Unmap) => Ok(self.table_unmap(invocation, table)?),
            Some(Operation::Map) if table.nested => Ok(self.nested_table_map(invocation, table)?),
            Some(Operation::Map) => Ok(self.table_map(invocation, table)?),
            None => Err(Error::IllegalOperation.into()),
        }
    }

    fn table_map(&self, invocation: &Invocation, table: Table) -> Result<(), Error> {
        invocation.require(2, 1)?;
        if table.mapping.is_some() {
            return Err(Error::InvalidCapability(0));
        }
        let span = (1 << table.level.table_bits()) - 1;
        let address = self.argument(invocation, 0) & !span;
        let (root, asid) = self.root_argument(invocation, false)?;
        if address > USER_TOP {
            return Err(Error::InvalidArgument(0));
        }
        self.ensure_root_in_use(&root, asid)?;
        self.map_table(invocation, table, &root, Mapping { asid, address })
    }

    /// Puts a table into the entry above it, which must be there and empty.
    pub(super) fn map_table(
        &self,
        invocation: &Invocation,
        table: Table,
        root: &Table,
        mapping: Mapping,
    ) -> Result<(), Error> {
        let entry = self
            .entry(root.object, mapping.address, table.level.above())
            .map_err(Error::lookup)?;
        if entry.get().is_present() {
            return Err(Error::DeleteFirst);
        }
        let physical = self.machine().physical(table.object.address());
        entry.set(Entry::table(physical));
        self.set_table(invocation, table, Some(mapping));
        Ok(())
    }

    fn table_unmap(&self, invocation: &Invocation, table: Table) -> Result<(), Error> {
        if !self.is_final(invocation.slot) {
            return Err(Error::RevokeFirst);
        }
        if table.mapping.is_some() {
            self.unmap_table(&table);
            // Mapped again, it must not bring back pages whose capabilities do not know of it.
            let entries = self.machine().physical(table.object.address());
            self.machine().zero(entries, TABLE_BYTES);
        }
        self.set_table(invocation, table, None);
        Ok(())
    }

    fn set_table(&self, invocation: &Invocation, table: Table, mapping: Option<Mapping>) {
        let table = Table { mapping, ..table };
        self.slot(invocation.slot)
            .set_capability(&Capability::Table(table));
    }
}
