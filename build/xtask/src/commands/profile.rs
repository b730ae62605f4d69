//! `cargo xtask profile`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::system::WITHOUT_NETWORK;
use crate::{host, profile, workspace};

/// Show by function where instructions go: in what a bench image measures, on the kernel's longest paths, while
/// the guest runs a command, or on a packet's way through the tunnel.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Package of a bench image, such as kernel-bench.
    #[arg(long, required_unless_present_any = ["exec", "stages"], conflicts_with_all = ["exec", "stages"])]
    program: Option<String>,
    /// Show only measurements in functions whose name contains this.
    #[arg(long, default_value = "", requires = "program")]
    filter: String,
    /// Show instead so many of the longest paths through the kernel on which no interrupt is taken; any root
    /// program will do.
    #[arg(long, requires = "program", value_name = "COUNT")]
    paths: Option<usize>,
    /// Show instead, by stage, what packets of the default system's tunnel cost; takes root and some minutes.
    #[arg(long, conflicts_with = "exec")]
    stages: bool,
    /// Command that the system's guest runs.
    #[arg(long)]
    exec: Option<String>,
    /// The system [default: manifests/systems/first-light.toml].
    #[arg(long, value_name = "FILE", requires = "exec")]
    manifest: Option<PathBuf>,
    /// Command that the guest runs before, unobserved.
    #[arg(long, default_value = "true", requires = "exec")]
    prepare: String,
    /// Divide the counts by this, the number of requests say.
    #[arg(long, default_value_t = 1, requires = "exec", value_parser = clap::value_parser!(u64).range(1..))]
    times: u64,
    /// Functions shown of each program.
    #[arg(long, default_value_t = 20)]
    most: usize,
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    host::ensure(&host::ALL)?;
    let metadata = workspace::metadata()?;
    if arguments.stages {
        profile::stages(&metadata, arguments.most)?;
    } else if let Some(command) = &arguments.exec {
        let (prepare, times) = (&arguments.prepare, arguments.times);
        let manifest = match &arguments.manifest {
            Some(file) => std::path::absolute(file)?,
            None => workspace::path(WITHOUT_NETWORK),
        };
        let most = arguments.most;
        profile::guest_command(&metadata, &manifest, prepare, command, times, most)?;
    } else if let Some(package) = &arguments.program {
        let (filter, most) = (&arguments.filter, arguments.most);
        match arguments.paths {
            Some(count) => profile::longest_paths(&metadata, package, filter, (count, most))?,
            None => profile::measurements(&metadata, package, filter, most)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}
