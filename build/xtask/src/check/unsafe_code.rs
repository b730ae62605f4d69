//! Where unsafe code may stand. Everywhere else each crate root forbids it to the compiler.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Findings, Subject};

/// The folders whose crates may hold unsafe code.
const ALLOWED: [&str; 7] = [
    "kernel/machine",
    "kernel/image",
    "kernel/sel4-sys",
    "servers/lib/runtime",
    "servers/lib/shared-memory",
    "servers/lib/mmio",
    "servers/lib/dma",
];

const FORBIDDEN: &str = "#![forbid(unsafe_code)]";

pub(super) fn check(subject: &Subject) -> Result<Findings> {
    let mut findings = Vec::new();
    for package in &subject.metadata.packages {
        if ALLOWED
            .iter()
            .any(|allowed| package.folder() == Path::new(allowed))
        {
            continue;
        }
        for target in package.targets.iter().filter(|target| !target.is_test()) {
            let text = fs::read_to_string(&target.src_path)
                .with_context(|| format!("{} cannot be read", target.src_path.display()))?;
            if !text.lines().any(|line| line.trim() == FORBIDDEN) {
                findings.push(format!("{} lacks {FORBIDDEN}", target.src_path.display()));
            }
        }
    }
    Ok(findings)
}
