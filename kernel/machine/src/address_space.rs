//! Which address space the processor uses, and what it may have cached of it.
//!
//! Process-context identifiers are not used: loading CR3 forgets every user translation, the kernel's own
//! are global. So only the active space can have cached translations, and a change in any other needs
//! nothing.

use core::cell::Cell;

use kernel_core::PhysicalAddress;
use x86::controlregs::cr3_write;

use crate::boot::kernel_root;

/// The active address space.
pub(crate) struct AddressSpaces {
    root: Cell<u64>,
}

impl AddressSpaces {
    pub(crate) const fn new() -> Self {
        Self { root: Cell::new(0) }
    }

    /// The root of the space that is active.
    #[inline(always)]
    pub(crate) fn active(&self) -> u64 {
        self.root.get()
    }

    #[inline(always)]
    pub(crate) fn activate(&self, root: PhysicalAddress) {
        if self.root.get() != root.0 {
            self.load(root.0);
        }
    }

    pub(crate) fn activate_kernel(&self) {
        if self.root.get() != kernel_root() {
            self.load(kernel_root());
        }
    }

    #[inline(always)]
    fn load(&self, root: u64) {
        self.root.set(root);
        // SAFETY: every root has the kernel's mappings; the core keeps the root alive while it is active.
        unsafe { cr3_write(root) };
    }

    pub(crate) fn invalidate_page(&self, root: PhysicalAddress, address: u64) {
        if self.root.get() == root.0 {
            // SAFETY: forgetting translations is always allowed. It forgets those of paging structures
            // above the page, too.
            unsafe {
                core::arch::asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags))
            };
        }
    }

    pub(crate) fn invalidate(&self, root: PhysicalAddress) {
        if self.root.get() == root.0 {
            self.load(root.0);
        }
    }
}
