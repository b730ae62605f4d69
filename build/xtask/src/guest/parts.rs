//! What Debian gives for the guest: its kernel, modules, busybox, the maker of ext4, and programs that only some
//! guests get.
//!
//! The parts are picked out of the packages once and kept in the cache, in a folder that is named by the
//! recipe: a newer tool picks again, an older one finds its own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::libraries;
use super::modules::Modules;
use super::packages::PrivateApt;
use crate::folders;
use crate::progress::step;

/// Changes whenever this file would pick other parts.
const RECIPE: u32 = 7;

/// busybox, mke2fs and its libraries, iperf3 and its libraries, perl and its library, the tool that configures WireGuard,
/// and WireGuard in a process.
const PACKAGES: [&str; 14] = [
    "busybox-static",
    "e2fsprogs",
    "libext2fs2",
    "libcom-err2",
    "libblkid1",
    "libuuid1",
    "iperf3",
    "libiperf0",
    "libsctp1",
    "libssl3",
    "perl-base",
    "libcrypt1",
    "wireguard-tools",
    "wireguard-go",
];

/// A program that only some guests get.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Extra {
    /// Measures networks.
    Iperf3,
    /// Sends what no well-behaved program sends; its built-in functions are enough for that.
    Perl,
    /// Linux's own WireGuard, as modules, and the tool that configures it.
    WireGuard,
    /// WireGuard in a process of the guest's, and the module of its device.
    WireguardGo,
}

/// The folder of what WireGuard adds.
const WIREGUARD: &str = "wireguard";
/// That of what WireGuard in a process adds.
const WIREGUARD_GO: &str = "wireguard-go";
/// Where programs look for libraries.
const LIBRARIES: &str = "lib/x86_64-linux-gnu";

/// The folder of the picked parts.
pub(crate) struct Parts {
    folder: PathBuf,
}

impl Parts {
    /// Fetches the parts when the cache does not hold them.
    pub(crate) fn fetch() -> Result<Parts> {
        let parts = Parts::cached()?;
        if parts.folder.exists() {
            return Ok(parts);
        }
        let apt = PrivateApt::update()?;
        let kernel = apt.dependency("linux-image-amd64", "linux-image-")?;
        // Another run may be fetching too.
        let work = parts
            .folder
            .with_extension(format!("partial-{}", std::process::id()));
        let tree = work.join("tree");
        fs::create_dir_all(&tree).with_context(|| format!("{} cannot be made", tree.display()))?;
        step(&format!("Fetching {kernel} for the guest"), || {
            let packages = [&[kernel.as_str(), "libc6"], PACKAGES.as_slice()].concat();
            apt.unpack(&packages, &tree)?;
            pick(&tree, &work)
        })?;
        fs::remove_dir_all(&tree)?;
        if fs::rename(&work, &parts.folder).is_err() {
            // It was faster. If the folder is not there either, its first user says so.
            fs::remove_dir_all(&work)?;
        }
        Ok(parts)
    }

    /// Where the parts are, fetched or not.
    pub(crate) fn cached() -> Result<Parts> {
        Ok(Parts {
            folder: folders::cache()?.join(format!("guest-{RECIPE}")),
        })
    }

    /// The guest's kernel, a bzImage.
    pub(crate) fn kernel(&self) -> PathBuf {
        self.folder.join("vmlinuz")
    }

    /// The folder whose content is the guest's root folder, less what the repository adds.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// The same for what a program adds to it.
    pub(crate) fn extra(&self, extra: Extra) -> PathBuf {
        match extra {
            Extra::Iperf3 => self.folder.join("iperf3"),
            Extra::Perl => self.folder.join("perl"),
            Extra::WireGuard => self.folder.join(WIREGUARD),
            Extra::WireguardGo => self.folder.join(WIREGUARD_GO),
        }
    }
}

/// Picks what the guest needs out of the unpacked packages.
fn pick(tree: &Path, work: &Path) -> Result<()> {
    fs::copy(kernel_file(&tree.join("boot"))?, work.join("vmlinuz"))?;

    let root = work.join("root");
    let install = |from: &Path, to: &str| copy(from, &root.join(to));
    // The number in front of the name keeps the loading order.
    let modules = Modules::find(&tree.join("lib/modules"))?;
    for (number, file) in modules.wanted.iter().enumerate() {
        install(file, &format!("lib/modules/{number:02}-{}", name(file)))?;
    }
    for (number, file) in modules.network.iter().enumerate() {
        let to = format!("lib/modules/network/{number:02}-{}", name(file));
        install(file, &to)?;
    }
    for file in &modules.spare {
        install(file, &format!("lib/modules/spare/{}", name(file)))?;
    }
    install(&tree.join("bin/busybox"), "bin/busybox")?;
    let make_ext4 = tree.join("sbin/mke2fs");
    install(&make_ext4, "sbin/mkfs.ext4")?;
    install(&tree.join("etc/mke2fs.conf"), "etc/mke2fs.conf")?;
    for (name, file) in libraries::of(&make_ext4, tree)? {
        install(&file, &format!("{LIBRARIES}/{name}"))?;
    }
    // The dynamic linker, by the name that programs carry.
    let linker = format!("{LIBRARIES}/ld-linux-x86-64.so.2");
    install(&tree.join(linker), "lib64/ld-linux-x86-64.so.2")?;
    for (extra, modules) in [
        (WIREGUARD, &modules.wireguard),
        (WIREGUARD_GO, &modules.wireguard_go),
    ] {
        for (number, file) in modules.iter().enumerate() {
            let to = format!("{extra}/lib/modules/{extra}/{number:02}-{}", name(file));
            copy(file, &work.join(to))?;
        }
    }
    pick_extra(tree, &root, &work.join(WIREGUARD), "wg")?;
    pick_extra(tree, &root, &work.join(WIREGUARD_GO), "wireguard-go")?;
    pick_extra(tree, &root, &work.join("iperf3"), "iperf3")?;
    pick_extra(tree, &root, &work.join("perl"), "perl")
}

/// A program, and the libraries of it that `root` does not have.
fn pick_extra(tree: &Path, root: &Path, extra: &Path, name: &str) -> Result<()> {
    let program = tree.join("usr/bin").join(name);
    copy(&program, &extra.join("bin").join(name))?;
    for (name, file) in libraries::of(&program, tree)? {
        let to = format!("{LIBRARIES}/{name}");
        if !root.join(&to).exists() {
            copy(&file, &extra.join(to))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    fs::copy(from, to).with_context(|| format!("{} cannot be copied", from.display()))?;
    Ok(())
}

fn name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn kernel_file(boot: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(boot)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("vmlinuz-") {
            return Ok(entry.path());
        }
    }
    anyhow::bail!("the guest's kernel package holds no vmlinuz")
}
