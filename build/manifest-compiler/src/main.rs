//! The manifest compiler as a command, for people who write manifests and for auditors.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use manifest_compiler::{Folder, Inputs, export};

/// Checks a system manifest, or compiles it and exports the list of objects and capabilities.
#[derive(Parser)]
struct Arguments {
    /// The system manifest, such as manifests/systems/first-light.toml.
    system: PathBuf,
    /// The repository's root.
    #[arg(long, default_value = ".")]
    repository: PathBuf,
    /// Only apply the rules that need no program.
    #[arg(long, conflicts_with_all = ["programs", "file", "output", "json", "capdl"])]
    check: bool,
    /// Folder with the programs' ELF files, each named like its package.
    #[arg(
        long,
        default_value = "target/servers/x86_64-unknown-linux-gnu/release"
    )]
    programs: PathBuf,
    /// A file that the system names, as NAME=PATH.
    #[arg(long, value_name = "NAME=PATH")]
    file: Vec<String>,
    /// Write the compiled manifest here.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Write all objects, capabilities and mappings here as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write all objects, capabilities and mappings here as capDL-like text.
    #[arg(long)]
    capdl: Option<PathBuf>,
}

/// Programs and files of the host's file system.
struct HostFiles<'a>(&'a Arguments);

impl Inputs for HostFiles<'_> {
    fn program(&mut self, package: &str) -> Result<Vec<u8>, String> {
        read(&self.0.programs.join(package))
    }

    fn file(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let pairs = self.0.file.iter().filter_map(|pair| pair.split_once('='));
        let mut paths = pairs.filter(|(known, _)| *known == name);
        match paths.next() {
            Some((_, path)) => read(Path::new(path)),
            None => Err(format!("give it with --file {name}=PATH")),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn main() -> ExitCode {
    match execute(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // No backtrace: what is wrong is wrong with the manifest.
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(arguments: &Arguments) -> Result<()> {
    if arguments.check {
        let tree = Folder(arguments.repository.clone());
        manifest_compiler::check_tree(&tree, &arguments.system.to_string_lossy())?;
        return Ok(());
    }
    for pair in &arguments.file {
        if !pair.contains('=') {
            bail!("--file takes NAME=PATH, not {pair:?}");
        }
    }
    let compiled = manifest_compiler::compile(
        &arguments.repository,
        &arguments.system,
        &mut HostFiles(arguments),
    )?;
    let system = &compiled.system;
    write(arguments.output.as_deref(), || {
        Ok(compiled.entries[0].contents.clone())
    })?;
    write(arguments.json.as_deref(), || {
        Ok(export::json::export(system)?.into())
    })?;
    write(arguments.capdl.as_deref(), || {
        Ok(export::capdl::export(system).into())
    })?;
    let digits: String = compiled
        .sha256
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    println!(
        "{}: {} objects, {} components, {} KiB of memory, sha256 {digits}",
        system.name,
        system.objects.len(),
        system.components.len(),
        system.ram_bytes() >> 10
    );
    Ok(())
}

fn write(path: Option<&Path>, contents: impl FnOnce() -> Result<Vec<u8>>) -> Result<()> {
    match path {
        Some(path) => std::fs::write(path, contents()?)
            .with_context(|| format!("{} cannot be written", path.display())),
        None => Ok(()),
    }
}
