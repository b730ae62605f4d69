//! Address-space identifiers: the kernel's short names for roots.
//!
//! Mappings remember the ASID instead of the root, so that a capability can outlive the space that its
//! frame was mapped in. Host and nested roots share one range of identifiers; a capability's own flag
//! says which kind it means, and the pool's entry repeats it.

use core::cell::Cell;

use crate::capability::{AsidPool, Table};
use crate::{AsidPoolRef, Kernel, Machine, TableRef};

/// Identifiers in a pool.
pub(crate) const POOL_ENTRIES: u16 = 512;
/// Marks a nested root in a pool's entry; roots are aligned to 4096.
const NESTED: u64 = 1;

impl<M: Machine> Kernel<M> {
    fn asid_entry(&self, asid: u16) -> Option<&Cell<u64>> {
        let pool = self.asid_pool_at(asid)?;
        self.machine()
            .asid_pool(pool)
            .get(usize::from(asid % POOL_ENTRIES))
    }

    /// The pool that holds an identifier.
    pub(crate) fn asid_pool_at(&self, asid: u16) -> Option<AsidPoolRef> {
        self.asid_pools
            .get(usize::from(asid / POOL_ENTRIES))
            .and_then(Cell::get)
    }

    /// The root of the host space that has this identifier.
    pub(crate) fn space_of(&self, asid: u16) -> Option<TableRef> {
        let entry = self.asid_entry(asid)?.get();
        TableRef::new(entry).filter(|_| entry & NESTED == 0)
    }

    /// The root of the nested space that has this identifier.
    pub(crate) fn nested_space_of(&self, asid: u16) -> Option<TableRef> {
        let entry = self.asid_entry(asid)?.get();
        TableRef::new(entry & !NESTED).filter(|_| entry & NESTED != 0)
    }

    /// The root of the space, host or nested, that has this identifier.
    pub(crate) fn root_of(&self, asid: u16, nested: bool) -> Option<TableRef> {
        if nested {
            self.nested_space_of(asid)
        } else {
            self.space_of(asid)
        }
    }

    /// An identifier of the pool that names no space yet. Zero names none for ever.
    pub(crate) fn free_asid(&self, pool: &AsidPool) -> Option<u16> {
        let entries = self.machine().asid_pool(pool.object);
        (pool.base..pool.base + POOL_ENTRIES)
            .zip(entries)
            .find(|(asid, entry)| *asid != 0 && entry.get() == 0)
            .map(|(asid, _)| asid)
    }

    /// Lets an identifier name a root.
    pub(crate) fn assign_asid(&self, asid: u16, root: &Table) {
        if let Some(entry) = self.asid_entry(asid) {
            let mark = if root.nested { NESTED } else { 0 };
            entry.set(root.object.address() | mark);
            self.forget_routes();
        }
    }

    /// The root is going away: its identifier names nothing any more.
    pub(super) fn release_asid(&self, asid: u16, root: TableRef) {
        if let Some(entry) = self.asid_entry(asid)
            && entry.get() & !NESTED == root.address()
        {
            let nested = entry.replace(0) & NESTED != 0;
            self.leave_space();
            self.invalidate_space(root, nested);
        }
    }

    /// The last capability to a pool is gone: none of its identifiers names anything any more.
    pub(crate) fn destroy_asid_pool(&self, pool: &AsidPool) {
        let Some(place) = self.asid_pools.get(usize::from(pool.base / POOL_ENTRIES)) else {
            return;
        };
        if place.get() != Some(pool.object) {
            return;
        }
        for entry in self.machine().asid_pool(pool.object) {
            let entry = entry.replace(0);
            if let Some(root) = TableRef::new(entry & !NESTED) {
                self.invalidate_space(root, entry & NESTED != 0);
            }
        }
        place.set(None);
        self.leave_space();
    }

    /// If the current thread's space is gone, the processor must not use it any longer.
    fn leave_space(&self) {
        self.forget_routes();
        if let Some(current) = self.current() {
            self.activate_space_of(current);
        }
    }
}
