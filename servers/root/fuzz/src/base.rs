//! A system that can be built, as its compiler and packer leave it.

use image_packer::{Alignment, Entry};
use manifest_compiler::{ArchiveEntry, CompiledSystem, compile_tree};
use manifest_compiler_fuzz::{MadeUp, SYSTEM, Tree, elf};

/// Where the compiled manifest starts in [`archive`].
pub const MANIFEST_START: usize = 4096;

fn compiled() -> CompiledSystem {
    let mut inputs = MadeUp { elf: elf() };
    compile_tree(&Tree::base(), SYSTEM, &mut inputs).expect("the base obeys every rule")
}

/// A compiled manifest.
pub fn manifest() -> Vec<u8> {
    compiled().system.encode()
}

/// A boot archive whose first file is a compiled manifest.
pub fn archive() -> Vec<u8> {
    let compiled = compiled();
    let entries: Vec<_> = compiled.entries.iter().map(entry).collect();
    image_packer::archive(&entries).expect("few files of short names")
}

fn entry(entry: &ArchiveEntry) -> Entry<'_> {
    let alignment = if entry.large {
        Alignment::LargePage
    } else {
        Alignment::Page
    };
    Entry {
        name: &entry.name,
        contents: &entry.contents,
        alignment,
    }
}
