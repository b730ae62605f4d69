//! The manifest compiler: from what people write to what the root server builds.
//!
//! It reads a system manifest, the hardware manifest that it names and each component's
//! `needs.toml`, applies the rules (`rules`, one a file), and resolves the rest to the complete list of objects and
//! capabilities (`resolve`), which [`compiled_manifest`] defines. Programs are cut into pages, so that
//! the root server needs to know nothing of ELF.
#![forbid(unsafe_code)]

mod diagnostic;
pub mod export;
mod flow;
mod image;
mod pack;
mod resolve;
mod rules;
mod source;

pub use diagnostic::{Diagnostic, Failure, Place};
pub use pack::ArchiveEntry;
pub use resolve::Inputs;
pub use source::{Folder, SourceTree};

use std::path::Path;

use compiled_manifest::System;
use sha2::{Digest, Sha256};

/// A compiled system.
#[derive(Clone, Debug)]
pub struct CompiledSystem {
    /// The list of objects and capabilities.
    pub system: System,
    /// Files for the archive in this order; the first is the coded system, called `system`.
    pub entries: Vec<ArchiveEntry>,
    /// SHA-256 of the coded system, which the root server prints.
    pub sha256: [u8; 32],
}

/// Compiles the system manifest at `system`, a path from the repository's root (or absolute below it).
///
/// # Errors
///
/// Everything that is wrong, with its place.
pub fn compile(
    repository: &Path,
    system: &Path,
    inputs: &mut dyn Inputs,
) -> Result<CompiledSystem, Failure> {
    let path = system.strip_prefix(repository).unwrap_or(system);
    let tree = Folder(repository.to_owned());
    compile_tree(&tree, &path.to_string_lossy(), inputs)
}

/// Compiles the system manifest at `path` of `tree`.
///
/// # Errors
///
/// Everything that is wrong, with its place.
pub fn compile_tree(
    tree: &dyn SourceTree,
    path: &str,
    inputs: &mut dyn Inputs,
) -> Result<CompiledSystem, Failure> {
    let sources = source::Sources::read(tree, path)?;
    rules::check(&sources)?;
    let (system, files) = resolve::resolve(&sources, inputs)?;
    let coded = ArchiveEntry {
        name: "system".into(),
        contents: system.encode(),
        large: false,
    };
    let sha256 = Sha256::digest(&coded.contents).into();
    // What is aligned to 2 MiB comes last, so that it leaves no gaps.
    let (large, small): (Vec<_>, Vec<_>) = files.into_iter().partition(|entry| entry.large);
    let entries = std::iter::once(coded).chain(small).chain(large).collect();
    Ok(CompiledSystem {
        system,
        entries,
        sha256,
    })
}

/// Applies the rules to the system manifest at `path` of `tree`, without any program.
///
/// # Errors
///
/// Everything that is wrong, with its place.
pub fn check_tree(tree: &dyn SourceTree, path: &str) -> Result<(), Failure> {
    rules::check(&source::Sources::read(tree, path)?)
}
