//! Untyped memory and CNodes: where capabilities come from and how they are passed on.

use sel4_sys::{CapRights, invocation as label, object::ObjectType};

use super::{Done, SlotPath, done};
use crate::Ipc;

/// What a Retype makes and where its capabilities go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retype {
    /// Type of the objects.
    pub object: ObjectType,
    /// Size in bits, for the types that take one.
    pub size_bits: u64,
    /// CNode to put the capabilities in; depth 0 means that `root` itself is the CNode.
    pub destination: SlotPath,
    /// First slot in it.
    pub offset: u64,
    /// Number of objects, 1 to 256.
    pub count: u64,
}

/// `Untyped_Retype`.
pub fn untyped_retype(ipc: &Ipc, untyped: u64, retype: &Retype) -> Done {
    let to = retype.destination;
    let words = [
        retype.object as u64,
        retype.size_bits,
        to.index,
        to.depth,
        retype.offset,
        retype.count,
    ];
    done(ipc, untyped, label::UNTYPED_RETYPE, &words, &[to.root])
}

/// `CNode_Revoke`: deletes what was derived from the capability in the slot.
pub fn cnode_revoke(ipc: &Ipc, slot: SlotPath) -> Done {
    slot.perform(ipc, label::CNODE_REVOKE)
}

/// `CNode_Delete`.
pub fn cnode_delete(ipc: &Ipc, slot: SlotPath) -> Done {
    slot.perform(ipc, label::CNODE_DELETE)
}

/// `CNode_CancelBadgedSends`.
pub fn cnode_cancel_badged_sends(ipc: &Ipc, slot: SlotPath) -> Done {
    slot.perform(ipc, label::CNODE_CANCEL_BADGED_SENDS)
}

/// `CNode_Copy`.
pub fn cnode_copy(ipc: &Ipc, to: SlotPath, from: SlotPath, rights: CapRights) -> Done {
    let words = [to.index, to.depth, from.index, from.depth, rights.0];
    done(ipc, to.root, label::CNODE_COPY, &words, &[from.root])
}

/// `CNode_Mint`: a copy with a badge (endpoints, notifications) or a guard (CNodes).
pub fn cnode_mint(ipc: &Ipc, to: SlotPath, from: SlotPath, rights: CapRights, badge: u64) -> Done {
    let words = [to.index, to.depth, from.index, from.depth, rights.0, badge];
    done(ipc, to.root, label::CNODE_MINT, &words, &[from.root])
}

/// `CNode_Move`.
pub fn cnode_move(ipc: &Ipc, to: SlotPath, from: SlotPath) -> Done {
    let words = [to.index, to.depth, from.index, from.depth];
    done(ipc, to.root, label::CNODE_MOVE, &words, &[from.root])
}

/// `CNode_Mutate`.
pub fn cnode_mutate(ipc: &Ipc, to: SlotPath, from: SlotPath, badge: u64) -> Done {
    let words = [to.index, to.depth, from.index, from.depth, badge];
    done(ipc, to.root, label::CNODE_MUTATE, &words, &[from.root])
}
