//! The encrypted volume's image file, as far as this tool has to know it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::process::{run_for_user, run_quietly};
use crate::progress::step;
use crate::workspace;

/// Package and binary of the tool that knows the format; it stands beside the server.
const TOOL: &str = "volume";

/// What the console says when a component has asked a question and is ready for the answer.
pub(crate) const PROMPT: &str = "asks; keystrokes go to it alone";

/// The tool's exit status when it left a key store as it was.
const KEPT: i32 = 3;

/// How each copy of a volume's header starts.
pub(crate) const MAGIC: &[u8; 8] = b"SKSHVOL\0";

/// Bytes of a header; one is at the start, one at the end.
const HEADER_SIZE: u64 = 4096;

/// Whether the file holds either copy of a volume's header.
pub(crate) fn is_one(file: &Path) -> Result<bool> {
    let open = || -> std::io::Result<bool> {
        let file = File::open(file)?;
        let last = file.metadata()?.len().saturating_sub(HEADER_SIZE);
        let is_at = |offset| {
            let mut start = [0; MAGIC.len()];
            file.read_exact_at(&mut start, offset).is_ok() && start == *MAGIC
        };
        Ok(is_at(0) || is_at(last))
    };
    open().with_context(|| format!("{} cannot be read", file.display()))
}

/// Builds the tool and says where it is.
pub(crate) fn tool() -> Result<PathBuf> {
    // Optimised: a passphrase is made slow to guess on purpose.
    let mut build = workspace::cargo();
    build.args(["build", "--quiet", "--profile", "tool", "--package", TOOL]);
    step("Building the volume tool", || run_quietly(&mut build))?;
    Ok(workspace::path("target/tool").join(TOOL))
}

/// Creates a volume, with keys in its store if there are some; without a file, the tool asks for the passphrase on
/// the terminal.
pub(crate) fn create(
    image: &Path,
    size: &str,
    passphrase_file: Option<&Path>,
    keys: Option<&Path>,
) -> Result<()> {
    let mut command = Command::new(tool()?);
    command.arg("create").arg(image).args(["--size", size]);
    if let Some(keys) = keys {
        command.arg("--keys").arg(keys);
    }
    run_with_passphrase(command, passphrase_file).context("no volume was created")
}

/// Whether the volume can keep keys; those from before there were key stores cannot.
pub(crate) fn has_key_store(image: &Path) -> Result<bool> {
    let mut command = Command::new(tool()?);
    let inspection = run_for_user(command.arg("inspect").arg(image).arg("--json"))
        .with_context(|| format!("the volume {} cannot be used", image.display()))?;
    let inspection: serde_json::Value = serde_json::from_str(&inspection)?;
    let size = inspection.get("key_store_bytes");
    Ok(size.and_then(serde_json::Value::as_u64) > Some(0))
}

/// What becomes of keys that a volume's store holds already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OldKeys {
    Kept,
    Replaced,
}

/// Which keys a volume's store holds after new ones were offered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    New,
    Old,
}

/// Puts keys into the store of a volume.
pub(crate) fn store_keys(
    image: &Path,
    keys: &Path,
    old: OldKeys,
    passphrase_file: Option<&Path>,
) -> Result<Stored> {
    let mut command = Command::new(tool()?);
    command.arg("keys").arg(image).arg("--set").arg(keys);
    if old == OldKeys::Kept {
        command.arg("--if-empty");
    }
    if let Some(file) = passphrase_file {
        command.arg("--passphrase-file").arg(file);
    }
    let status = command.stdout(Stdio::null()).status();
    let status = status.context("the volume tool cannot be started")?;
    match status.code() {
        Some(KEPT) => Ok(Stored::Old),
        _ if status.success() => Ok(Stored::New),
        _ => bail!("the keys were not stored"),
    }
}

/// Runs the tool with the passphrase from the file, or from the terminal on which it asks.
fn run_with_passphrase(mut command: Command, passphrase_file: Option<&Path>) -> Result<()> {
    match passphrase_file {
        Some(file) => {
            command.arg("--passphrase-file").arg(file);
            run_quietly(&mut command)?;
        }
        None => {
            let status = command.status();
            let status = status.context("the volume tool cannot be started")?;
            ensure!(status.success(), "the volume tool failed");
        }
    }
    Ok(())
}

/// Where each of the guest's blocks lies in the image, in bytes.
pub(crate) fn locate(image: &Path, blocks: &[u64], passphrase_file: &Path) -> Result<Vec<u64>> {
    let mut command = Command::new(tool()?);
    command.arg("locate").arg(image);
    command.args(blocks.iter().map(u64::to_string));
    command.arg("--passphrase-file").arg(passphrase_file);
    let listing = run_quietly(&mut command)?;
    let mut places = Vec::new();
    for line in listing.lines() {
        match line.rsplit_once(" lies at byte ") {
            Some((_, place)) => places.push(place.parse()?),
            None => bail!("{line}"),
        }
    }
    ensure!(places.len() == blocks.len(), "a block is not named");
    Ok(places)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_format_has_this_mark() {
        // This crate links no server, so it reads what the format's own source says.
        let format = include_str!("../../../servers/disk-crypto/core/src/header.rs");
        assert!(format.contains(r#"const MAGIC: [u8; 8] = *b"SKSHVOL\0";"#));
        assert_eq!(super::MAGIC, b"SKSHVOL\0");
    }
}
