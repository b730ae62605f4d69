//! The PVH boot protocol: `hvm_start_info` (Xen's public header arch-x86/hvm/start_info.h).

use super::bytes::{read_u32, read_u64};
use super::early_memory::EarlyMemory;
use super::loader::LoaderInformation;
use super::regions::region;

const MAGIC: u32 = 0x336e_c578;
const START_INFO_BYTES: u64 = 56;
const MODULE_ENTRY_BYTES: u64 = 32;
const MAP_ENTRY_BYTES: usize = 24;

pub(super) fn read(memory: &EarlyMemory, at: u64) -> Option<LoaderInformation> {
    let info = memory.bytes(at, START_INFO_BYTES)?;
    if read_u32(info, 0)? != MAGIC {
        return None;
    }
    let mut loader = LoaderInformation::new();
    if read_u32(info, 12)? > 0 {
        let entry = memory.bytes(read_u64(info, 16)?, MODULE_ENTRY_BYTES)?;
        let start = read_u64(entry, 0)?;
        loader.module = Some(region(start, start.checked_add(read_u64(entry, 8)?)?));
    }
    loader.command_line = Some(read_u64(info, 24)?).filter(|&address| address != 0);
    loader.rsdp = Some(read_u64(info, 32)?).filter(|&address| address != 0);
    // The map came with version 1 of the structure; without it there is no memory to use.
    if read_u32(info, 4)? >= 1 {
        let count = u64::from(read_u32(info, 48)?);
        let map = memory.bytes(read_u64(info, 40)?, count * MAP_ENTRY_BYTES as u64)?;
        for entry in map.chunks_exact(MAP_ENTRY_BYTES) {
            loader.add_map_entry(
                read_u64(entry, 0)?,
                read_u64(entry, 8)?,
                read_u32(entry, 16)?,
            );
        }
    }
    Some(loader)
}
