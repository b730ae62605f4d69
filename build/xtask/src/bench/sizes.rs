//! How large things are.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use object::{Object, ObjectSegment};

use super::Figure;
use crate::check::kernel_lines;
use crate::program::{self, KERNEL, Options};
use crate::workspace::Metadata;

pub(super) fn measure(metadata: &Metadata) -> Result<Vec<Figure>> {
    let kernel = program::build_one(metadata, KERNEL, Options::default())?;
    Ok(vec![
        Figure::new("kernel-image", loaded_bytes(&kernel)?, "bytes"),
        Figure::new("kernel-source", kernel_lines::count()? as u64, "lines"),
    ])
}

/// Bytes of the file that are loaded: code and data, without what debuggers read.
fn loaded_bytes(file: &Path) -> Result<u64> {
    let bytes = fs::read(file)?;
    let elf = object::File::parse(&*bytes)
        .with_context(|| format!("{} is no ELF file", file.display()))?;
    Ok(elf.segments().map(|segment| segment.file_range().1).sum())
}
