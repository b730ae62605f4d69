//! The shared libraries of a dynamically linked program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use object::LittleEndian;
use object::elf::DT_NEEDED;
use object::read::elf::{Dyn, ElfFile64};

const FOLDERS: [&str; 2] = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];

/// Names of the libraries that `program` needs, and that these need, with their files below `root`.
pub(crate) fn of(program: &Path, root: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut pending = vec![program.to_owned()];
    while let Some(file) = pending.pop() {
        let names = needed(&file)
            .with_context(|| format!("{} is no dynamic program or library", file.display()))?;
        for name in names {
            if seen.insert(name.clone()) {
                let library = locate(&name, root)?;
                pending.push(library.clone());
                found.push((name, library));
            }
        }
    }
    Ok(found)
}

fn locate(name: &str, root: &Path) -> Result<PathBuf> {
    for folder in FOLDERS {
        let file = root.join(folder).join(name);
        if file.exists() {
            return Ok(file);
        }
    }
    bail!("the guest's packages hold no library {name}")
}

/// The `DT_NEEDED` entries of an ELF file.
fn needed(file: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(file)?;
    let elf = ElfFile64::<LittleEndian>::parse(&*bytes)?;
    let (endian, sections) = (elf.endian(), elf.elf_section_table());
    let Some((entries, strings)) = sections.dynamic(endian, &*bytes)? else {
        return Ok(Vec::new());
    };
    let strings = sections.strings(endian, &*bytes, strings)?;
    let mut names = Vec::new();
    for entry in entries {
        if entry.tag32(endian) == Some(DT_NEEDED) {
            let name = entry.string(endian, strings)?;
            names.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    Ok(names)
}
