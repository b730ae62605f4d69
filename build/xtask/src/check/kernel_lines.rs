//! The kernel stays small enough to be read: lines of Rust without blanks, comments and tests.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

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
            lines += count_folder(&sources)?;
        }
    }
    Ok(lines)
}

fn count_folder(folder: &Path) -> Result<usize> {
    let mut lines = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if is_test_module(&path)? {
            continue;
        }
        if path.is_dir() {
            lines += count_folder(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            lines += source::product_lines(&text);
        }
    }
    Ok(lines)
}

/// Whether the file or folder is a module that its parent includes for tests only.
fn is_test_module(path: &Path) -> Result<bool> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let Some(folder) = path.parent() else {
        return Ok(false);
    };
    let beside = folder.with_extension("rs");
    let parents = [
        folder.join("lib.rs"),
        folder.join("main.rs"),
        folder.join("mod.rs"),
        beside,
    ];
    for parent in parents {
        if parent != path
            && parent.exists()
            && source::declares_test_module(&fs::read_to_string(&parent)?, &name)
        {
            return Ok(true);
        }
    }
    Ok(false)
}
