//! The folders outside the repository: what can be fetched again, and what must never be lost.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// `~/.cache/sekisho` (or below `XDG_CACHE_HOME`): downloads. `cargo xtask clean --cache` empties it.
pub(crate) fn cache() -> Result<PathBuf> {
    below("XDG_CACHE_HOME", ".cache")
}

/// `~/.local/share/sekisho` (or below `XDG_DATA_HOME`): the users' volumes. Nothing here is ever
/// deleted by this tool.
pub(crate) fn data() -> Result<PathBuf> {
    below("XDG_DATA_HOME", ".local/share")
}

fn below(variable: &str, default: &str) -> Result<PathBuf> {
    let base = match std::env::var_os(variable) {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => std::env::home_dir()
            .with_context(|| format!("neither {variable} nor HOME is set"))?
            .join(default),
    };
    Ok(base.join("sekisho"))
}
