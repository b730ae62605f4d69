//! Installs what the host lacks, where we may, and otherwise says what to type.

use std::io::{IsTerminal, Write};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::Need;
use super::need::find;
use crate::process::run_quietly;
use crate::progress::step;

/// Who may install packages.
enum Installer {
    /// We are root.
    Root,
    /// We may ask for root.
    Sudo,
}

/// Makes sure that every need is met.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let missing: Vec<_> = needs.iter().filter(|need| !need.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|need| need.package.split(' '))
        .collect();
    let list = packages.join(" ");
    let advice = format!(
        "{} is missing. On Debian 12 this installs it:\n    sudo apt-get update && sudo apt-get install --no-install-recommends {list}",
        missing[0].program
    );
    let Some(installer) = installer(&list)? else {
        bail!(advice);
    };
    step(&format!("Installing {list}"), || {
        run_quietly(installer.command().arg("update"))?;
        run_quietly(
            installer
                .command()
                .args(["install", "--yes", "--no-install-recommends"])
                .args(&packages),
        )
    })
    .with_context(|| advice.clone())?;
    for need in missing {
        ensure!(
            need.is_met(),
            "{} is still missing after the installation",
            need.program
        );
    }
    Ok(())
}

/// Decides how to install, asking the user where sudo is needed.
fn installer(packages: &str) -> Result<Option<Installer>> {
    if find("apt-get").is_none() {
        return Ok(None);
    }
    if run_quietly(Command::new("id").arg("-u"))?.trim() == "0" {
        return Ok(Some(Installer::Root));
    }
    if find("sudo").is_none() || !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    eprint!("Install {packages} with sudo apt-get? [Y/n] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if !matches!(answer.trim(), "" | "y" | "Y" | "yes") {
        return Ok(None);
    }
    // Asks for the password now, where it can be typed.
    let granted = Command::new("sudo").arg("--validate").status()?.success();
    Ok(granted.then_some(Installer::Sudo))
}

impl Installer {
    fn command(&self) -> Command {
        let mut command = match self {
            Installer::Root => Command::new("apt-get"),
            Installer::Sudo => {
                let mut command = Command::new("sudo");
                command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
                command
            }
        };
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
}
