//! Where things are: the repository's folders and cargo itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The repository's root folder.
pub(crate) fn root() -> &'static Path {
    // This crate stands at build/xtask.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap_or(Path::new("."))
}

/// A file or folder of the repository.
pub(crate) fn path(relative: &str) -> PathBuf {
    root().join(relative)
}

/// `cargo` of the pinned toolchain, run at the repository's root, without flags that leak in from outside.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command
        .current_dir(root())
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_TARGET_DIR");
    command
}

/// The part of `cargo metadata` that we read.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    /// Every package of the workspace.
    pub(crate) packages: Vec<Package>,
}

/// One package of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    manifest_path: PathBuf,
    pub(crate) targets: Vec<Target>,
    dependencies: Vec<Dependency>,
    /// What `Cargo.toml` says to tools below `package.metadata`.
    metadata: Option<PackageMetadata>,
}

/// The part of `package.metadata` that is ours.
#[derive(Deserialize)]
struct PackageMetadata {
    sekisho: Option<SekishoMetadata>,
}

/// `[package.metadata.sekisho]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SekishoMetadata {
    processor: Processor,
}

/// The processors that a program is built for, if not for any x86-64.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub(crate) enum Processor {
    /// Those with AVX2 and its contemporaries. The root server refuses others.
    #[serde(rename = "x86-64-v3")]
    V3,
}

/// One line of a package's dependencies.
#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Nothing for ordinary ones, else "dev" or "build".
    kind: Option<String>,
}

/// One library, binary or test of a package.
#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
    /// The file that the compiler is given.
    pub(crate) src_path: PathBuf,
}

impl Target {
    /// Whether it is in no product.
    pub(crate) fn is_test(&self) -> bool {
        let only_tests = |kind: &String| ["test", "bench", "example"].contains(&kind.as_str());
        self.kind.iter().all(only_tests)
    }
}

impl Package {
    /// The package's folder, relative to the repository's root.
    pub(crate) fn folder(&self) -> &Path {
        let folder = self.manifest_path.parent().unwrap_or(Path::new(""));
        folder.strip_prefix(root()).unwrap_or(folder)
    }

    /// The processors that its program is built for, if not for any x86-64.
    pub(crate) fn processor(&self) -> Option<Processor> {
        let ours = self.metadata.as_ref()?.sekisho.as_ref()?;
        Some(ours.processor)
    }

    /// Names of the packages that the product is made of; those of tests are left out.
    pub(crate) fn product_dependencies(&self) -> impl Iterator<Item = &str> {
        self.dependencies
            .iter()
            .filter(|dependency| dependency.kind.as_deref() != Some("dev"))
            .map(|dependency| dependency.name.as_str())
    }

    /// Whether others can link the package.
    pub(crate) fn has_library(&self) -> bool {
        self.targets
            .iter()
            .any(|target| target.kind.iter().any(|kind| kind == "lib"))
    }

    /// Names of the package's binaries.
    pub(crate) fn binaries(&self) -> impl Iterator<Item = &str> {
        let is_binary = |target: &&Target| target.kind.iter().any(|kind| kind == "bin");
        self.targets
            .iter()
            .filter(is_binary)
            .map(|target| target.name.as_str())
    }
}

/// Reads the workspace's packages.
pub(crate) fn metadata() -> Result<Metadata> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cargo cannot be started")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("cargo metadata printed something unexpected")
}
