//! Mappings end.

use super::Entry;
use crate::capability::{Frame, FrameSize, Level, Table};
use crate::{Kernel, Machine, TableRef};

impl FrameSize {
    /// The level of the table whose entries map frames of this size.
    pub(crate) const fn level(self) -> Level {
        match self {
            Self::Small => Level::Table,
            Self::Large => Level::Directory,
            Self::Huge => Level::Pointers,
        }
    }
}

impl<M: Machine> Kernel<M> {
    /// Removes a frame from the space where the capability says it is mapped, if it still is there.
    pub(crate) fn unmap_frame(&self, frame: &Frame) {
        let Some(mapping) = frame.mapping else {
            return;
        };
        let Some(root) = self.root_of(mapping.asid, frame.nested) else {
            return;
        };
        let level = frame.size.level();
        if let Ok(entry) = self.entry(root, mapping.address, level)
            && entry.get().as_frame(level) == Some(frame.start)
        {
            entry.set(Entry::EMPTY);
            self.invalidate_page(root, mapping.address, frame.nested);
        }
    }

    /// Forgets cached translations of one page; nested spaces know no such thing, all of theirs go.
    pub(crate) fn invalidate_page(&self, root: TableRef, address: u64, nested: bool) {
        if nested {
            self.machine().invalidate_nested_space(root);
        } else {
            self.machine().invalidate_page(root, address);
        }
    }

    pub(super) fn invalidate_space(&self, root: TableRef, nested: bool) {
        if nested {
            self.machine().invalidate_nested_space(root);
        } else {
            self.machine().invalidate_space(root);
        }
    }

    /// Removes a table from its space, or a root from all who use it.
    pub(crate) fn unmap_table(&self, table: &Table) {
        let Some(mapping) = table.mapping else {
            return;
        };
        if table.level == Level::Root {
            return self.release_asid(mapping.asid, table.object);
        }
        let Some(root) = self.root_of(mapping.asid, table.nested) else {
            return;
        };
        let physical = self.machine().physical(table.object.address());
        if let Ok(entry) = self.entry(root, mapping.address, table.level.above())
            && entry.get().as_table() == Some(physical)
        {
            entry.set(Entry::EMPTY);
            self.invalidate_space(root, table.nested);
        }
    }
}
