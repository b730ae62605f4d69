//! Fetches Debian packages without installing them.
//!
//! apt does the work with lists and archives of its own below our cache: it needs no root, leaves
//! the host's package state alone, and verifies what it fetches by Debian's signatures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::folders;
use crate::process::run_quietly;
use crate::progress::step;

/// apt with a state of its own.
pub(crate) struct PrivateApt {
    folder: PathBuf,
}

impl PrivateApt {
    /// Fetches the package lists.
    pub(crate) fn update() -> Result<PrivateApt> {
        let folder = folders::cache()?.join("apt");
        for part in ["lists/partial", "cache/archives/partial"] {
            let part = folder.join(part);
            fs::create_dir_all(&part)
                .with_context(|| format!("{} cannot be made", part.display()))?;
        }
        let apt = PrivateApt { folder };
        step("Fetching Debian's package lists", || {
            run_quietly(apt.command("apt-get").arg("update"))
        })
        .context("the guest's packages come from Debian by apt-get, which has to be set up")?;
        Ok(apt)
    }

    /// The package that a meta package stands for, by the start of its name.
    pub(crate) fn dependency(&self, meta: &str, prefix: &str) -> Result<String> {
        let listing =
            run_quietly(
                self.command("apt-cache")
                    .args(["depends", "--important", meta]),
            )?;
        listing
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "))
            .find(|name| name.starts_with(prefix))
            .map(str::to_owned)
            .with_context(|| format!("package {meta} depends on no {prefix}..."))
    }

    /// Fetches the packages and unpacks them into `folder`.
    pub(crate) fn unpack(&self, packages: &[&str], folder: &Path) -> Result<()> {
        let archives = folder.join("archives");
        fs::create_dir_all(&archives)?;
        run_quietly(
            self.command("apt-get")
                .arg("download")
                .args(packages)
                .current_dir(&archives),
        )?;
        for archive in fs::read_dir(&archives)? {
            let archive = archive?.path();
            run_quietly(Command::new("dpkg-deb").arg("-x").args([&archive, folder]))?;
        }
        fs::remove_dir_all(&archives)?;
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let folder = self.folder.display();
        command
            .args(["-o", &format!("Dir::State::Lists={folder}/lists")])
            .args(["-o", &format!("Dir::Cache={folder}/cache")])
            // Else root's apt hands the download to a user who may not enter our cache.
            .args(["-o", "APT::Sandbox::User=root"])
            .args(["-o", "Acquire::Languages=none"])
            .args([
                "-o",
                "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
            ]);
        command
    }
}
