//! `cargo xtask doctor`.

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::guest::Parts;
use crate::host::{self, Presence};
use crate::process::run_quietly;
use crate::{folders, workspace};

/// Show what the host needs, what is found and what is missing, and how to get it.
#[derive(Args)]
pub(crate) struct Arguments {}

pub(crate) fn execute(_: &Arguments) -> Result<ExitCode> {
    let mut complete = true;
    let toolchain = run_quietly(workspace::cargo().arg("--version"))?;
    line("found", "cargo", toolchain.trim());
    for component in ["fmt", "clippy"] {
        let probe = run_quietly(workspace::cargo().args([component, "--version"]));
        match probe {
            Ok(version) => line("found", component, version.trim()),
            Err(_) => {
                complete = false;
                line("MISSING", component, "rustup component add rustfmt clippy");
            }
        }
    }
    for need in host::ALL.iter().chain(&host::DISC).chain([&host::OVMF]) {
        match need.look() {
            Presence::Found { path, version } => {
                line(
                    "found",
                    need.name(),
                    &format!("{version} ({})", path.display()),
                );
            }
            Presence::Missing => {
                complete = false;
                let fix = format!(
                    "{}; sudo apt-get install --no-install-recommends {}",
                    need.purpose, need.package
                );
                line("MISSING", need.name(), &fix);
            }
        }
    }
    guest()?;
    room()?;
    println!();
    if complete {
        println!("Everything is there. `cargo xtask run` boots the system.");
        Ok(ExitCode::SUCCESS)
    } else {
        println!("Of what is missing, each command installs what it needs: as root, or by sudo.");
        Ok(ExitCode::FAILURE)
    }
}

fn guest() -> Result<()> {
    let kernel = Parts::cached()?.kernel();
    if kernel.exists() {
        line("found", "guest kernel", &kernel.display().to_string());
    } else {
        line(
            "later",
            "guest kernel",
            "the first run fetches it from Debian",
        );
    }
    Ok(())
}

/// Free space where we build, fetch, and keep volumes.
fn room() -> Result<()> {
    let places = [
        ("build", workspace::path("target")),
        ("cache", folders::cache()?),
        ("volumes", folders::data()?),
    ];
    for (name, folder) in places {
        let existing = folder.ancestors().find(|folder| folder.exists());
        let Some(existing) = existing else { continue };
        let listing = run_quietly(
            Command::new("df")
                .args(["--human-readable", "--output=avail"])
                .arg(existing),
        )
        .unwrap_or_default();
        let free = listing.lines().nth(1).unwrap_or("an unknown size").trim();
        line(
            "room",
            name,
            &format!("{free} free for {}", folder.display()),
        );
    }
    Ok(())
}

fn line(state: &str, name: &str, detail: &str) {
    println!("{state:8} {name:20} {detail}");
}
