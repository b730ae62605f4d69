//! The memory that a system takes beside its guest, and what of it a guest's tunnel takes.

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
use crate::system::{self, DEFAULT_MANIFEST, ROOT_SERVER, WITHOUT_NETWORK};
use crate::workspace::{self, Metadata};

/// Entries of the archive that are the guest's.
const GUEST_FILES: &str = "guest-";

/// The component of the default system that keeps its guest's tunnel.
const TUNNEL: &str = "vpn";

/// Kernel and root server as they lie in memory, the archive, and every object; less the guest's
/// RAM and the guest's files.
pub(super) fn measure(metadata: &Metadata) -> Result<Figure> {
    let manifest = workspace::path(WITHOUT_NETWORK);
    let compiled = system::compile(metadata, &manifest, GuestOptions::default())?;
    let mut bytes = object_bytes(&compiled.system) + archive_bytes(&compiled);
    for package in [KERNEL, ROOT_SERVER] {
        let file = program::build_one(metadata, package, Options::default())?;
        bytes += bytes_in_memory(&file)?;
    }
    Ok(Figure::new("system-memory", bytes, "bytes"))
}

/// What each guest's tunnel takes: the objects of the component that keeps it, and the regions that others share with
/// it; among them net's, in which the datagrams for it lie. Its program's text is there once for all tunnels.
pub(super) fn measure_tunnel(metadata: &Metadata) -> Result<Figure> {
    let manifest = workspace::path(DEFAULT_MANIFEST);
    let system = system::compile(metadata, &manifest, GuestOptions::default())?.system;
    let mut components = system.components.iter();
    let tunnel = components.find(|component| component.name == TUNNEL);
    let tunnel = tunnel.with_context(|| format!("{DEFAULT_MANIFEST} has no {TUNNEL}"))?;
    let mappings = system.mappings.iter();
    let mapped: HashSet<_> = mappings
        .filter(|mapping| mapping.space == tunnel.space)
        .map(|mapping| mapping.frames.0)
        .collect();
    let own = format!("{TUNNEL}.");
    let bytes = (0..)
        .zip(&system.objects)
        .filter(|(id, object)| mapped.contains(id) || object.name.starts_with(&own))
        .filter(|(_, object)| is_ram(&object.kind))
        .map(|(_, object)| object.kind.ram_bytes())
        .sum();
    Ok(Figure::new("tunnel-memory", bytes, "bytes"))
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
