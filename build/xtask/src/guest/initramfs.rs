//! The guest's initramfs: Debian's parts, and the repository's files over them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::cpio::{Cpio, Mode};
use super::parts::{Extra, Parts};
use crate::workspace;

/// The repository's own files of the guest, laid out as the guest sees them.
const OWN_FILES: &str = "qemu-tests/guest";

/// Folders that the guest mounts on.
const MOUNT_POINTS: [&str; 6] = ["proc", "sys", "dev", "run", "tmp", "data"];

/// Builds the initramfs; equal inputs give equal bytes.
pub(crate) fn build(parts: &Parts) -> Result<Vec<u8>> {
    let mut cpio = Cpio::default();
    for folder in MOUNT_POINTS {
        cpio.folder(folder)?;
    }
    cpio.symlink("init", "bin/busybox")?;
    add_tree(&mut cpio, &parts.root())?;
    add_tree(&mut cpio, &workspace::path(OWN_FILES))?;
    cpio.finish()
}

/// An archive that goes behind the initramfs and adds a program.
pub(crate) fn extra_archive(parts: &Parts, extra: Extra) -> Result<Vec<u8>> {
    let mut cpio = Cpio::default();
    add_tree(&mut cpio, &parts.extra(extra))?;
    cpio.finish()
}

/// A small archive that goes behind the initramfs and makes the guest run one command.
pub(crate) fn command_archive(command: &str, nonce: &str) -> Result<Vec<u8>> {
    let mut cpio = Cpio::default();
    cpio.folder("etc")?;
    cpio.folder("etc/sekisho")?;
    cpio.file("etc/sekisho/nonce", Mode::Data, nonce.as_bytes())?;
    cpio.file("etc/sekisho/command", Mode::Data, command.as_bytes())?;
    cpio.finish()
}

fn add_tree(cpio: &mut Cpio, root: &Path) -> Result<()> {
    for path in sorted_entries(root)? {
        add(cpio, root, &path)?;
    }
    Ok(())
}

fn add(cpio: &mut Cpio, root: &Path, path: &Path) -> Result<()> {
    let relative = path.strip_prefix(root)?;
    let Some(name) = relative.to_str() else {
        bail!("{} is no name for the guest", path.display());
    };
    if path.is_dir() {
        cpio.folder(name)?;
        for child in sorted_entries(path)? {
            add(cpio, root, &child)?;
        }
        return Ok(());
    }
    let contents = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let executable = fs::metadata(path)?.permissions().mode() & 0o111 != 0;
    let mode = if executable {
        Mode::Program
    } else {
        Mode::Data
    };
    cpio.file(name, mode, &contents)
}

fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}
