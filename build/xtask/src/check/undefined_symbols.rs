//! A freestanding image that still refers to something has leaked a libc and would crash.

use std::fs;

use anyhow::{Context, Result};
use object::{Object, ObjectSymbol};

use super::{Findings, Subject, build_images};

pub(super) fn check(subject: &Subject) -> Result<Findings> {
    let images = build_images::build(subject)?;
    let mut findings = Vec::new();
    for file in std::iter::once(&images.kernel).chain(&images.programs) {
        let bytes = fs::read(file)?;
        let elf = object::File::parse(&*bytes)
            .with_context(|| format!("{} is no ELF file", file.display()))?;
        for symbol in elf.symbols().chain(elf.dynamic_symbols()) {
            let name = symbol.name().unwrap_or("?");
            if symbol.is_undefined() && !name.is_empty() {
                findings.push(format!("{}: {name}", file.display()));
            }
        }
    }
    Ok(findings)
}
