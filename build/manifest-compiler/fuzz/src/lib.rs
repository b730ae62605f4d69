//! What the targets share: manifests that obey every rule, to be changed, and programs made up for them.
#![forbid(unsafe_code)]

use manifest_compiler::{Inputs, SourceTree};

/// The manifests of the compiler's own tests; the first is the system's.
const FILES: [(&str, &str); 7] = [
    (
        "manifests/systems/case.toml",
        include_str!("../../tests/base/manifests/systems/case.toml"),
    ),
    (
        "manifests/hardware/board.toml",
        include_str!("../../tests/base/manifests/hardware/board.toml"),
    ),
    (
        "needs/server.toml",
        include_str!("../../tests/base/needs/server.toml"),
    ),
    (
        "needs/driver.toml",
        include_str!("../../tests/base/needs/driver.toml"),
    ),
    (
        "needs/watcher.toml",
        include_str!("../../tests/base/needs/watcher.toml"),
    ),
    (
        "needs/monitor.toml",
        include_str!("../../tests/base/needs/monitor.toml"),
    ),
    (
        "needs/cipher.toml",
        include_str!("../../tests/base/needs/cipher.toml"),
    ),
];
/// What is replaced in them to leave the guest's file out.
const WITHOUT_FILE: [(&str, &str); 3] = [
    (
        "file = [{ name = \"kernel\", presence = \"required\", why = \"Starts it.\" }]",
        "file = []",
    ),
    (
        "[[component.file]]\nneed = \"kernel\"\nfile = \"guest-kernel\"\nwhy = \"What it starts.\"\n",
        "",
    ),
    ("\n[[component.guest]]", "file = []\n\n[[component.guest]]"),
];
/// Path of the system's manifest.
pub const SYSTEM: &str = FILES[0].0;

/// A tree of manifests.
pub struct Tree(Vec<(&'static str, String)>);

impl Tree {
    /// The manifests unchanged.
    pub fn base() -> Self {
        Self(FILES.map(|(path, text)| (path, text.to_owned())).into())
    }

    /// The manifests without the guest's file, whose hash takes longer than all the rest.
    pub fn quick() -> Self {
        let mut tree = Self::base();
        for (_, text) in &mut tree.0 {
            for (with, without) in WITHOUT_FILE {
                *text = text.replace(with, without);
            }
        }
        tree
    }

    /// The text of file number `index`, counted round.
    pub fn text_mut(&mut self, index: usize) -> &mut String {
        let count = self.0.len();
        &mut self.0[index % count].1
    }

    /// The text of the file at `path`.
    pub fn text(&self, path: &str) -> Option<&str> {
        let file = self.0.iter().find(|(other, _)| *other == path)?;
        Some(&file.1)
    }
}

impl SourceTree for Tree {
    fn read(&self, path: &str) -> Result<String, String> {
        let text = self.text(path).map(ToOwned::to_owned);
        text.ok_or_else(|| "there is no such file".into())
    }
}

/// Every program is the same ELF, every file is a page.
pub struct MadeUp {
    /// The program.
    pub elf: Vec<u8>,
}

impl Inputs for MadeUp {
    fn program(&mut self, _: &str) -> Result<Vec<u8>, String> {
        Ok(self.elf.clone())
    }

    fn file(&mut self, _: &str) -> Result<Vec<u8>, String> {
        Ok(vec![0x5a; 4096])
    }
}

/// A static ELF64 with a page of text and a page of data.
pub fn elf() -> Vec<u8> {
    let mut file = vec![0; 0x3000];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"\x7fELF\x02\x01\x01\0");
    // Executable, x86-64, version 1.
    put(16, &[2, 0, 62, 0, 1, 0, 0, 0]);
    put(24, &0x40_0010u64.to_le_bytes());
    put(32, &64u64.to_le_bytes());
    put(52, &64u16.to_le_bytes());
    put(54, &56u16.to_le_bytes());
    put(56, &2u16.to_le_bytes());
    let segments = [(5u32, 0x1000u64, 0x40_0000u64), (6, 0x2000, 0x40_2000)];
    for (index, (flags, offset, address)) in segments.into_iter().enumerate() {
        let at = 64 + 56 * index;
        put(at, &1u32.to_le_bytes());
        put(at + 4, &flags.to_le_bytes());
        put(at + 8, &offset.to_le_bytes());
        put(at + 16, &address.to_le_bytes());
        put(at + 32, &0x800u64.to_le_bytes());
        put(at + 40, &0x1000u64.to_le_bytes());
    }
    file
}
