//! Puts a whole system together: manifest, programs, the guest's files, the root image.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use image_packer::{Alignment, Entry};
use manifest_compiler::{CompiledSystem, Folder, Inputs};

use crate::guest::{GuestFiles, GuestOptions};
use crate::products::Products;
use crate::program::{self, Options};
use crate::progress::step;
use crate::qemu::Network;
use crate::workspace::{self, Metadata};

/// The program that holds all authority until boot is finished.
pub(crate) const ROOT_SERVER: &str = "root-server";

/// The system that is meant when none is named.
pub(crate) const DEFAULT_MANIFEST: &str = "manifests/systems/one-network.toml";

/// The least system with a guest and its disk: what is measured there has nothing to do with a network.
pub(crate) const WITHOUT_NETWORK: &str = "manifests/systems/first-light.toml";

/// The hardware manifest's name of the network card.
const NETWORK_CARD: &str = "net0";

/// The hardware manifest's name of the second disk.
const SECOND_DISK: &str = "disk1";

/// What a system wants of its machine beside a disk.
#[derive(Default)]
pub(crate) struct Equipment {
    /// Whether there must be a second disk.
    pub(crate) second_disk: bool,
    /// The card, with QEMU's own network behind it.
    pub(crate) network: Option<Network>,
}

/// Builds the system of a manifest, all but the kernel, and writes its root image.
/// `root_server` says with which features the root server is built.
pub(crate) fn pack(
    metadata: &Metadata,
    manifest: &Path,
    guest: GuestOptions<'_>,
    root_server: Options<'_>,
    root_image: &Path,
) -> Result<Equipment> {
    let compiled = compile(metadata, manifest, guest)?;
    let root_server = step("Building the root server", || {
        program::build_one(metadata, ROOT_SERVER, root_server)
    })?;
    write_image(&root_server, &compiled, root_image)?;
    let functions = &compiled.system.pci.functions;
    let has = |name| functions.iter().any(|function| function.name == name);
    Ok(Equipment {
        second_disk: has(SECOND_DISK),
        network: has(NETWORK_CARD).then(Network::default),
    })
}

/// Compiles a manifest, and builds the programs that it names.
pub(crate) fn compile(
    metadata: &Metadata,
    manifest: &Path,
    guest: GuestOptions<'_>,
) -> Result<CompiledSystem> {
    let mut inputs = Collected {
        metadata,
        products: Products::build(metadata)?,
        guest: GuestFiles::prepare(guest)?,
    };
    let shown = shown(manifest);
    step(&format!("Building {shown}"), || {
        manifest_compiler::compile(workspace::root(), manifest, &mut inputs)
            .map_err(|failure| anyhow!("{shown} cannot be built:\n{failure}"))
    })
}

/// Applies the rules to a manifest before anything is built for it.
pub(crate) fn check(manifest: &Path) -> Result<()> {
    let tree = Folder(workspace::root().to_owned());
    let shown = shown(manifest);
    manifest_compiler::check_tree(&tree, &shown)
        .map_err(|failure| anyhow!("{shown} cannot be built:\n{failure}"))
}

/// A manifest's path as messages have it: from the repository's root where it lies below.
fn shown(manifest: &Path) -> String {
    let below = manifest.strip_prefix(workspace::root());
    below.unwrap_or(manifest).display().to_string()
}

/// What the manifest compiler asks for.
struct Collected<'a> {
    metadata: &'a Metadata,
    products: Products,
    guest: GuestFiles<'a>,
}

impl Inputs for Collected<'_> {
    fn program(&mut self, package: &str) -> Result<Vec<u8>, String> {
        let file = match self.products.file(package) {
            Some(file) => Ok(file.to_owned()),
            None => program::build_one(self.metadata, package, Options::default()),
        };
        file.and_then(|file| Ok(fs::read(file)?))
            .map_err(|error| format!("{error:#}"))
    }

    fn file(&mut self, name: &str) -> Result<Vec<u8>, String> {
        match name {
            "guest-kernel" => self.guest.kernel(),
            "guest-initrd" => self.guest.initrd(),
            _ => match name.strip_prefix("blocklist-") {
                Some(list) => read_blocklist(list),
                None => Err(anyhow!("no file is known by the name {name}")),
            },
        }
        .map_err(|error| format!("{error:#}"))
    }
}

/// A list of what guests may not reach, as its administrator signed it.
fn read_blocklist(name: &str) -> Result<Vec<u8>> {
    let file = workspace::path(&format!("manifests/blocklists/{name}.txt"));
    fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))
}

fn write_image(root_server: &Path, compiled: &CompiledSystem, image: &Path) -> Result<()> {
    let entries: Vec<_> = compiled
        .entries
        .iter()
        .map(|entry| Entry {
            name: &entry.name,
            contents: &entry.contents,
            alignment: if entry.large {
                Alignment::LargePage
            } else {
                Alignment::Page
            },
        })
        .collect();
    let archive = image_packer::archive(&entries)?;
    let packed = image_packer::root_image(&fs::read(root_server)?, &archive)?;
    if let Some(folder) = image.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(image, packed).with_context(|| format!("{} cannot be written", image.display()))
}
