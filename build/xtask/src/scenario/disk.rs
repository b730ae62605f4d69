//! A scenario's disk: a volume of its own, and what it must not show.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::run_quietly;
use crate::qemu::find;
use crate::volume;

/// The passphrase of every scenario's volume.
pub(super) const PASSPHRASE: &str = "correct horse battery staple";

/// Large enough for ext4 and a journal, small enough to be searched.
const SIZE: &str = "256M";

/// Bytes that are searched at a time.
const CHUNK: usize = 1 << 20;

/// Creates a volume of the scenario's, with keys in its store if there are some.
pub(super) fn create(image: &Path, keys: Option<&Path>) -> Result<()> {
    let passphrase = passphrase_file(image);
    fs::write(&passphrase, PASSPHRASE)?;
    volume::create(image, SIZE, Some(&passphrase), keys)
}

/// The file with the passphrase, the same for all of a scenario's images.
pub(super) fn passphrase_file(image: &Path) -> PathBuf {
    image.with_file_name("passphrase")
}

/// A digest of all that the image holds.
pub(super) fn digest(image: &Path) -> Result<String> {
    run_quietly(Command::new("sha256sum").arg(image))
}

/// Those of the texts that the image holds.
pub(super) fn visible<'t>(image: &Path, texts: &'t [String]) -> Result<Vec<&'t str>> {
    let longest = texts.iter().map(String::len).max().unwrap_or(0);
    let mut found = Vec::new();
    let mut file = File::open(image)?;
    // The tail of one chunk is searched again with the next: a text may lie across the border.
    let mut window = Vec::new();
    loop {
        let kept = window.len().min(longest);
        window.drain(..window.len() - kept);
        let read = file.by_ref().take(CHUNK as u64).read_to_end(&mut window)?;
        if read == 0 {
            return Ok(found);
        }
        for text in texts {
            if !found.contains(&text.as_str()) && find(&window, text.as_bytes()).is_some() {
                found.push(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_across_chunks() {
        let file = std::env::temp_dir().join(format!("xtask-disk-{}", std::process::id()));
        let mut bytes = vec![0; CHUNK - 3];
        bytes.extend_from_slice(b"secret");
        bytes.resize(2 * CHUNK, 0);
        fs::write(&file, &bytes).expect("the temporary folder is writable");
        let texts = ["secret".to_owned(), "absent".to_owned()];
        let found = visible(&file, &texts);
        fs::remove_file(&file).expect("it was just written");
        assert_eq!(found.expect("the file was there"), ["secret"]);
    }
}
