//! The guest's kernel modules: which, and in which order they load.
//!
//! The package holds no `modules.dep` (it is made when it is installed), so the order comes from
//! what each module says about itself in its `.modinfo` section.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use object::{Object, ObjectSection};

/// What the guest needs beyond what Debian's kernel has built in.
const WANTED: [&str; 5] = [
    "virtio_pci",
    "virtio_rng",
    "virtio_blk",
    // ext4 asks for "crypto-crc32c" by alias only; this is the module that answers everywhere.
    "crc32c_generic",
    "ext4",
];

/// What a guest with a network needs; packet sockets, for its DHCP client, are built in.
const NETWORK: [&str; 1] = ["virtio_net"];

/// What a guest with a tunnel of its own needs besides.
const WIREGUARD: [&str; 1] = ["wireguard"];

/// What it needs instead if the tunnel is in a process.
const WIREGUARD_GO: [&str; 1] = ["tun"];

/// What a test loads by itself: access to the processor's registers and its description.
const SPARE: [&str; 2] = ["msr", "cpuid"];

/// The guest's modules, each list with all that its modules depend on, in loading order.
pub(crate) struct Modules {
    /// What the guest loads at its start.
    pub(crate) wanted: Vec<PathBuf>,
    /// What the guest loads if it has a network.
    pub(crate) network: Vec<PathBuf>,
    /// What the guest's own tunnel needs besides.
    pub(crate) wireguard: Vec<PathBuf>,
    /// What it needs if the tunnel is in a process.
    pub(crate) wireguard_go: Vec<PathBuf>,
    /// What lies there for whoever wants it.
    pub(crate) spare: Vec<PathBuf>,
}

impl Modules {
    /// Finds the modules below `folder`.
    pub(crate) fn find(folder: &Path) -> Result<Modules> {
        let mut available = HashMap::new();
        find(folder, &mut available)?;
        let in_loading_order = |names: &[&str]| {
            let mut order = Vec::new();
            for name in names {
                visit(name, &available, &mut order)?;
            }
            anyhow::Ok(order)
        };
        let wanted = in_loading_order(&WANTED)?;
        Ok(Modules {
            network: in_loading_order(&NETWORK)?
                .into_iter()
                .filter(|file| !wanted.contains(file))
                .collect(),
            wireguard: in_loading_order(&WIREGUARD)?,
            wireguard_go: in_loading_order(&WIREGUARD_GO)?,
            wanted,
            spare: in_loading_order(&SPARE)?,
        })
    }
}

/// Appends the module after everything that it depends on.
fn visit(name: &str, available: &HashMap<String, PathBuf>, order: &mut Vec<PathBuf>) -> Result<()> {
    let file = available
        .get(name)
        .with_context(|| format!("the guest's kernel package has no module {name}"))?;
    if order.contains(file) {
        return Ok(());
    }
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    for dependency in
        dependencies(&bytes).with_context(|| format!("{} is no kernel module", file.display()))?
    {
        visit(&dependency, available, order)?;
    }
    order.push(file.clone());
    Ok(())
}

/// The names in the module's `depends=` line.
fn dependencies(module: &[u8]) -> Result<Vec<String>> {
    let elf = object::File::parse(module)?;
    let section = elf
        .section_by_name(".modinfo")
        .context("it has no .modinfo section")?;
    let names = section
        .data()?
        .split(|byte| *byte == 0)
        .filter_map(|line| line.strip_prefix(b"depends="))
        .flat_map(|names| names.split(|byte| *byte == b','))
        .filter(|name| !name.is_empty())
        .map(|name| canonical(&String::from_utf8_lossy(name)))
        .collect();
    Ok(names)
}

/// Collects every module below the folder by name.
fn find(folder: &Path, found: &mut HashMap<String, PathBuf>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "ko") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            found.insert(canonical(&name), path);
        }
    }
    Ok(())
}

/// The kernel takes `-` and `_` in module names for the same.
fn canonical(name: &str) -> String {
    name.replace('-', "_")
}
