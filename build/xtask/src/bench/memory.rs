//! The memory that the default system takes beside its guest.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use compiled_manifest::{Content, Kind, System};
use manifest_compiler::CompiledSystem;
use object::{Object, ObjectSegment};

use super::Figure;
use crate::guest::GuestOptions;
use crate::program::{self, KERNEL, Options};
use crate::system::{self, DEFAULT_MANIFEST, ROOT_SERVER};
use crate::workspace::{self, Metadata};

/// Entries of the archive that are the guest's.
const GUEST_FILES: &str = "guest-";

/// Kernel and root server as they lie in memory, the archive, and every object; less the guest's
/// RAM and the guest's files.
pub(super) fn measure(metadata: &Metadata) -> Result<Figure> {
    let manifest = workspace::path(DEFAULT_MANIFEST);
    let compiled = system::compile(metadata, &manifest, GuestOptions::default())?;
    let mut bytes = object_bytes(&compiled.system) + archive_bytes(&compiled);
    for package in [KERNEL, ROOT_SERVER] {
        let file = program::build_one(metadata, package, Options::default())?;
        bytes += bytes_in_memory(&file)?;
    }
    Ok(Figure::new("system-memory", bytes, "bytes"))
}

fn object_bytes(system: &System) -> u64 {
    let guest: HashSet<_> = system
        .guest_mappings
        .iter()
        .map(|mapping| mapping.frames.0)
        .collect();
    (0..)
        .zip(&system.objects)
        .filter(|(id, object)| !guest.contains(id) && is_ram(&object.kind))
        .map(|(_, object)| object.kind.ram_bytes())
        .sum()
}

/// Whether the object takes RAM of its own: not a device's, and not the archive's.
fn is_ram(kind: &Kind) -> bool {
    kind.frames().is_none_or(|frames| {
        !matches!(
            frames.content,
            Content::Archive { .. } | Content::Device { .. }
        )
    })
}

fn archive_bytes(compiled: &CompiledSystem) -> u64 {
    compiled
        .entries
        .iter()
        .filter(|entry| !entry.name.starts_with(GUEST_FILES))
        .map(|entry| entry.contents.len() as u64)
        .sum()
}

fn bytes_in_memory(file: &Path) -> Result<u64> {
    let bytes = fs::read(file)?;
    let elf = object::File::parse(&*bytes)
        .with_context(|| format!("{} is no ELF file", file.display()))?;
    Ok(elf.segments().map(|segment| segment.size()).sum())
}
