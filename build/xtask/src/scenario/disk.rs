//! A scenario's disk: a volume of its own, what is done to it from outside, what it must not show.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::qemu::find;
use crate::volume;

/// The passphrase of every scenario's volume.
pub(super) const PASSPHRASE: &str = "correct horse battery staple";

/// Large enough for ext4 and a journal, small enough to be searched.
const SIZE: &str = "256M";

/// Bytes that are searched at a time.
const CHUNK: usize = 1 << 20;

/// Creates the scenario's volume.
pub(super) fn create(folder: &Path) -> Result<PathBuf> {
    let image = folder.join("disk.img");
    let passphrase = folder.join("passphrase");
    fs::write(&passphrase, PASSPHRASE)?;
    volume::create(&image, SIZE, Some(&passphrase))?;
    Ok(image)
}

/// Inverts single bytes, as an attacker with the disk in his hands would.
pub(super) fn flip_bytes(image: &Path, offsets: &[u64]) -> Result<()> {
    if offsets.is_empty() {
        return Ok(());
    }
    let file = OpenOptions::new().read(true).write(true).open(image)?;
    for offset in offsets {
        let mut byte = [0];
        file.read_exact_at(&mut byte, *offset)
            .with_context(|| format!("the disk has no byte {offset}"))?;
        file.write_all_at(&[!byte[0]], *offset)?;
    }
    Ok(())
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
        let before = visible(&file, &texts).expect("the file is there");
        flip_bytes(&file, &[(CHUNK - 3) as u64]).expect("the file is there");
        let after = visible(&file, &texts).expect("the file is there");
        fs::remove_file(&file).expect("it was just written");
        assert_eq!(before, ["secret"]);
        assert!(after.is_empty());
    }
}
