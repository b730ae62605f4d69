//! How the root server names capabilities.
//!
//! The kernel gives the root server one CNode that fills all 64 bits of a pointer. To reach the vault
//! too, a CNode of two slots is put on top: pointers whose highest bit is clear lead to the first CNode as
//! before, pointers whose highest bit is set lead to the vault.

use kernel_calls::invoke::SlotPath;
use root_core::{Slot, WorkingSlot};
use sel4_sys::slot;

const VAULT: u64 = 1 << 63;

/// The pointer of a capability that is to be invoked or passed on.
pub(crate) fn pointer(slot: Slot) -> u64 {
    match slot {
        Slot::Working(WorkingSlot(slot)) => slot,
        Slot::Vault(slot) => VAULT | u64::from(slot),
        // Capabilities of components are not the root server's to use; the null capability refuses everything.
        Slot::Component { .. } => slot::NULL,
    }
}

/// The slot itself, to be filled, copied from or emptied.
pub(crate) fn path(slot: Slot, vault: Vault) -> SlotPath {
    match slot {
        Slot::Working(WorkingSlot(index)) => SlotPath {
            root: slot::CNODE,
            index,
            depth: 64,
        },
        Slot::Vault(index) => SlotPath {
            root: vault.slot.0,
            index: u64::from(index),
            depth: u64::from(vault.radix),
        },
        Slot::Component { cnode, radix, slot } => SlotPath {
            root: pointer(Slot::Vault(cnode)),
            index: u64::from(slot),
            depth: u64::from(radix),
        },
    }
}

/// The vault's CNode, as a capability of the first CNode without a guard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vault {
    pub(crate) slot: WorkingSlot,
    pub(crate) radix: u8,
}
