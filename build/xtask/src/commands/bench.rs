//! `cargo xtask bench`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::bench;
use crate::{host, workspace};

/// Measure the figures that docs/figures.md keeps.
///
/// Those of bench images repeat exactly on any host; those of the guest's start and disk vary by a percent or
/// so. All of it takes some twenty minutes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Parts to measure: sizes, memory, exits (of a guest to its monitor), guest (its start and encrypted
    /// disk), pass-through (its disk without encryption), network (datagrams, without a tunnel), tunnel (to the first
    /// answer through it), network-throughput (of the guest's tunnel), linux-tunnel and wireguard-go (the same without
    /// us, in the guest alone; these three take root), or a package in qemu-tests/bench [default: all].
    parts: Vec<String>,
    /// Print one JSON object: name to value, unit, others' figures and our aim.
    #[arg(long)]
    json: bool,
    /// Write the table in docs/figures.md anew.
    #[arg(long, conflicts_with = "parts")]
    write: bool,
    /// Only the kernel's own figures, beside those of this kernel: one that speaks seL4's interface (x86_64, MCS,
    /// with printing). An ELF file that QEMU's -kernel takes: 32 bits with a Multiboot header, or with a PVH note.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["parts", "json", "write"])]
    kernel: Option<PathBuf>,
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(kernel) = &arguments.kernel {
        host::ensure(&[host::QEMU])?;
        print!("{}", bench::side_by_side(&workspace::metadata()?, kernel)?);
        return Ok(ExitCode::SUCCESS);
    }
    host::ensure(&host::ALL)?;
    let figures = bench::measure(&workspace::metadata()?, &arguments.parts)?;
    if arguments.json {
        println!("{:#}", bench::to_json(&figures));
    } else {
        print!("{}", bench::to_table(&figures));
    }
    if arguments.write {
        bench::write_page(&figures)?;
    }
    Ok(ExitCode::SUCCESS)
}
