//! Address spaces: paging structures, frames, ASIDs.

use sel4_sys::{CapRights, Error, invocation as label};

use super::{Done, SlotPath, done};
use crate::Ipc;

/// `X86_PDPT_Map`, `X86_PageDirectory_Map` or `X86_PageTable_Map`, by `label`.
fn map_structure(ipc: &Ipc, label: u64, structure: u64, vspace: u64, address: u64) -> Done {
    done(ipc, structure, label, &[address, 0], &[vspace])
}

/// `X86_PDPT_Map`.
pub fn pdpt_map(ipc: &Ipc, pdpt: u64, vspace: u64, address: u64) -> Done {
    map_structure(ipc, label::X86_PDPT_MAP, pdpt, vspace, address)
}

/// `X86_PageDirectory_Map`.
pub fn page_directory_map(ipc: &Ipc, directory: u64, vspace: u64, address: u64) -> Done {
    map_structure(
        ipc,
        label::X86_PAGE_DIRECTORY_MAP,
        directory,
        vspace,
        address,
    )
}

/// `X86_PageTable_Map`.
pub fn page_table_map(ipc: &Ipc, table: u64, vspace: u64, address: u64) -> Done {
    map_structure(ipc, label::X86_PAGE_TABLE_MAP, table, vspace, address)
}

/// Caching of a mapping: bits of the attributes word (`seL4_X86_VMAttributes`).
pub mod attributes {
    /// Write-back.
    pub const WRITE_BACK: u64 = 0;
    /// Write-through.
    pub const WRITE_THROUGH: u64 = 1;
    /// Uncached.
    pub const UNCACHED: u64 = 2;
    /// Write-combining.
    pub const WRITE_COMBINING: u64 = 4;
}

/// `X86_Page_Map`.
pub fn page_map(
    ipc: &Ipc,
    page: u64,
    vspace: u64,
    address: u64,
    rights: CapRights,
    attributes: u64,
) -> Done {
    let words = [address, rights.0, attributes];
    done(ipc, page, label::X86_PAGE_MAP, &words, &[vspace])
}

/// `X86_Page_Unmap`.
pub fn page_unmap(ipc: &Ipc, page: u64) -> Done {
    done(ipc, page, label::X86_PAGE_UNMAP, &[], &[])
}

/// `X86_Page_GetAddress`: the physical address.
pub fn page_get_address(ipc: &Ipc, page: u64) -> Result<u64, Error> {
    ipc.invoke(page, label::X86_PAGE_GET_ADDRESS, &[], &[])
        .map(|reply| reply.message[0])
}

/// `X86_ASIDControl_MakePool`.
pub fn asid_control_make_pool(ipc: &Ipc, control: u64, untyped: u64, to: SlotPath) -> Done {
    let words = [to.index, to.depth];
    let operation = label::X86_ASID_CONTROL_MAKE_POOL;
    done(ipc, control, operation, &words, &[untyped, to.root])
}

/// `X86_ASIDPool_Assign`.
pub fn asid_pool_assign(ipc: &Ipc, pool: u64, vspace: u64) -> Done {
    done(ipc, pool, label::X86_ASID_POOL_ASSIGN, &[], &[vspace])
}
