//! Where unsafe code may stand. Everywhere else each crate root forbids it to the compiler.

use std::fs;

use anyhow::{Context, Result};

use super::{Findings, Subject};

/// The folders below which crates may hold unsafe code. The last two are in no product: what tests
/// share, and programs that attack.
const ALLOWED: [&str; 9] = [
    "kernel/machine",
    "kernel/image",
    "servers/lib/kernel-calls",
    "servers/lib/runtime",
    "servers/lib/shared-memory",
    "servers/lib/mmio",
    "servers/lib/dma",
    "qemu-tests/support",
    "qemu-tests/hostile",
];

const FORBIDDEN: &str = "#![forbid(unsafe_code)]";

pub(super) fn check(subject: &Subject) -> Result<Findings> {
    let mut findings = Vec::new();
    for package in &subject.metadata.packages {
        if ALLOWED
            .iter()
            .any(|allowed| package.folder().starts_with(allowed))
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
