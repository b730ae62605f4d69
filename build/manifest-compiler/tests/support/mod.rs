//! The base manifests in memory, and programs made up for them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use manifest_compiler::{CompiledSystem, Failure, Inputs, SourceTree, compile_tree};

/// Files by path.
pub(crate) struct Tree(BTreeMap<String, String>);

const FILES: [&str; 7] = [
    "manifests/systems/case.toml",
    "manifests/hardware/board.toml",
    "needs/server.toml",
    "needs/driver.toml",
    "needs/watcher.toml",
    "needs/monitor.toml",
    "needs/cipher.toml",
];

impl Tree {
    pub(crate) fn base() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/base");
        let read = |path: &str| fs::read_to_string(folder.join(path)).expect("it is there");
        Self(FILES.map(|path| (path.to_owned(), read(path))).into())
    }

    /// Replaces a text that occurs exactly once.
    pub(crate) fn edit(&mut self, file: &str, replace: &str, with: &str) {
        let text = self.0.get_mut(file).expect("the edited file is there");
        assert_eq!(text.matches(replace).count(), 1, "{file}: {replace}");
        *text = text.replace(replace, with);
    }
}

impl SourceTree for Tree {
    fn read(&self, path: &str) -> Result<String, String> {
        self.0
            .get(path)
            .cloned()
            .ok_or_else(|| "there is no such file".into())
    }
}

/// Every program is the same small ELF, every file 3 MiB.
pub(crate) struct MadeUp;

impl Inputs for MadeUp {
    fn program(&mut self, _: &str) -> Result<Vec<u8>, String> {
        Ok(elf())
    }

    fn file(&mut self, _: &str) -> Result<Vec<u8>, String> {
        Ok(vec![0x5a; 3 << 20])
    }
}

/// Compiles the case.
pub(crate) fn compile(tree: &Tree) -> Result<CompiledSystem, Failure> {
    compile_tree(tree, FILES[0], &mut MadeUp)
}

/// A static ELF64: a page and a bit of text, and data of 16 bytes that grows to two pages.
fn elf() -> Vec<u8> {
    let mut file = vec![0; 0x3000];
    file[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(16, &2u16.to_le_bytes()); // e_type: executable
    put(18, &62u16.to_le_bytes()); // e_machine: x86-64
    put(20, &1u32.to_le_bytes());
    put(24, &0x40_0010u64.to_le_bytes()); // e_entry
    put(32, &64u64.to_le_bytes()); // e_phoff
    put(52, &64u16.to_le_bytes());
    put(54, &56u16.to_le_bytes());
    put(56, &2u16.to_le_bytes()); // e_phnum
    let segments = [
        (5u32, 0x1000u64, 0x40_0000u64, 0x1010u64, 0x1010u64),
        (6, 0x2800, 0x40_2000, 16, 0x2000),
    ];
    for (index, (flags, offset, address, in_file, in_memory)) in segments.into_iter().enumerate() {
        let at = 64 + 56 * index;
        put(at, &1u32.to_le_bytes()); // p_type: load
        put(at + 4, &flags.to_le_bytes());
        put(at + 8, &offset.to_le_bytes());
        put(at + 16, &address.to_le_bytes());
        put(at + 32, &in_file.to_le_bytes());
        put(at + 40, &in_memory.to_le_bytes());
    }
    file
}
