//! The Multiboot2 boot information (specification 2.0, section 3.6): a list of tags.

use super::bytes::{read_u32, read_u64};
use super::early_memory::EarlyMemory;
use super::loader::LoaderInformation;
use super::regions::region;

const TAG_COMMAND_LINE: u32 = 1;
const TAG_MODULE: u32 = 3;
const TAG_MEMORY_MAP: u32 = 6;
const TAG_ACPI_1: u32 = 14;
const TAG_ACPI_2: u32 = 15;
const TAG_HEADER_BYTES: usize = 8;

pub(super) fn read(memory: &EarlyMemory, at: u64) -> Option<LoaderInformation> {
    let total = read_u32(memory.bytes(at, 8)?, 0)?;
    let information = memory.bytes(at, u64::from(total))?;
    let mut loader = LoaderInformation::new();
    let mut offset = TAG_HEADER_BYTES;
    while let (Some(kind), Some(bytes)) = (
        read_u32(information, offset),
        read_u32(information, offset + 4),
    ) {
        let bytes = usize::try_from(bytes).ok()?;
        if bytes < TAG_HEADER_BYTES {
            return None;
        }
        let tag = information.get(offset..offset.checked_add(bytes)?)?;
        read_tag(&mut loader, kind, tag, at + offset as u64)?;
        offset += bytes.next_multiple_of(8);
    }
    Some(loader)
}

fn read_tag(loader: &mut LoaderInformation, kind: u32, tag: &[u8], at: u64) -> Option<()> {
    match kind {
        TAG_COMMAND_LINE => loader.command_line = Some(at + TAG_HEADER_BYTES as u64),
        TAG_MODULE if loader.module.is_none() => {
            let (start, end) = (read_u32(tag, 8)?, read_u32(tag, 12)?);
            loader.module = Some(region(start.into(), end.into()));
        }
        TAG_MEMORY_MAP => {
            let entry_bytes = usize::try_from(read_u32(tag, 8)?).ok()?.max(20);
            for entry in tag.get(16..)?.chunks_exact(entry_bytes) {
                loader.add_map_entry(
                    read_u64(entry, 0)?,
                    read_u64(entry, 8)?,
                    read_u32(entry, 16)?,
                );
            }
        }
        TAG_ACPI_1 if loader.rsdp.is_none() => loader.rsdp = Some(at + 8),
        TAG_ACPI_2 => loader.rsdp = Some(at + 8),
        _ => {}
    }
    Some(())
}
