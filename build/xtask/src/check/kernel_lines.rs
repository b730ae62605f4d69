//! The kernel stays small enough to be read: lines of Rust without blanks, comments and tests.

use std::fs;

use anyhow::Result;

use super::{Findings, Subject, source};
use crate::workspace;

/// The most lines that the kernel may have.
const LIMIT: usize = 12_000;

pub(super) fn check(_: &Subject) -> Result<Findings> {
    let lines = count()?;
    println!("kernel lines: {lines} of {LIMIT}");
    if lines > LIMIT {
        return Ok(vec![format!(
            "kernel/ has {lines} lines, {LIMIT} are allowed"
        )]);
    }
    Ok(Vec::new())
}

/// Lines of all crates below `kernel/`.
pub(crate) fn count() -> Result<usize> {
    let mut lines = 0;
    for entry in fs::read_dir(workspace::path("kernel"))? {
        let sources = entry?.path().join("src");
        if sources.is_dir() {
            lines += source::count_below(&sources, source::product_lines)?;
        }
    }
    Ok(lines)
}
