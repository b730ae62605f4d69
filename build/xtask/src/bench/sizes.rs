//! How large things are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use object::{Object, ObjectSegment};

use super::Figure;
use crate::check::{kernel_lines, source};
use crate::program::{self, KERNEL, Options};
use crate::workspace::{self, Metadata};

pub(super) fn measure(metadata: &Metadata) -> Result<Vec<Figure>> {
    let kernel = program::build_one(metadata, KERNEL, Options::default())?;
    let mut figures = vec![
        Figure::new("kernel-image", loaded_bytes(&kernel)?, "bytes"),
        Figure::new("kernel-source", kernel_lines::count()? as u64, "lines"),
    ];
    for server in NETWORK_SERVERS {
        figures.extend(server_figures(metadata, server)?);
    }
    Ok(figures)
}

/// The servers whose sizes are figures.
const NETWORK_SERVERS: [&str; 2] = ["net", "vpn"];

/// The image of a server, its source, and the unsafe code in whatever of ours it is made of.
fn server_figures(metadata: &Metadata, server: &str) -> Result<[Figure; 3]> {
    let package = format!("{server}-server");
    let image = program::build_one(metadata, &package, Options::default())?;
    let (mut lines, mut unsafe_lines) = (0, 0);
    for part in parts(metadata, &package)? {
        let sources = workspace::path(&format!("{part}/src"));
        if part.starts_with(&format!("servers/{server}")) {
            lines += source::count_below(&sources, source::product_lines)?;
        }
        unsafe_lines += source::count_below(&sources, source::unsafe_lines)?;
    }
    let name = |what| format!("{server}-{what}");
    Ok([
        Figure::new(&name("image"), loaded_bytes(&image)?, "bytes"),
        Figure::new(&name("source"), lines as u64, "lines"),
        Figure::new(&name("unsafe"), unsafe_lines as u64, "lines"),
    ])
}

/// The folders of the packages of this workspace that a program is made of.
fn parts(metadata: &Metadata, program: &str) -> Result<BTreeSet<String>> {
    let mut folders = BTreeSet::new();
    let mut pending = vec![program];
    while let Some(name) = pending.pop() {
        // The others are libraries that are not ours.
        let Ok(package) = program::find(metadata, name) else {
            continue;
        };
        if folders.insert(package.folder().display().to_string()) {
            pending.extend(package.product_dependencies());
        }
    }
    Ok(folders)
}

/// Bytes of the file that are loaded: code and data, without what debuggers read.
fn loaded_bytes(file: &Path) -> Result<u64> {
    let bytes = fs::read(file)?;
    let elf = object::File::parse(&*bytes)
        .with_context(|| format!("{} is no ELF file", file.display()))?;
    Ok(elf.segments().map(|segment| segment.file_range().1).sum())
}
