//! What is done to a scenario's disk from outside while the machine is off, by an attacker who has
//! it in his hands, or by bad luck.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::disk;
use crate::process::run_quietly;
use crate::qemu::Machine;
use crate::volume;

/// The guest's unit of encryption.
const BLOCK_SIZE: usize = 4096;

/// What happens to the disk before and during a boot, and what must be true of it afterwards.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Damage {
    /// The boot gets a copy: nothing that happens to it lasts.
    pub(super) to_a_copy: bool,
    /// Offsets of bytes to be inverted; negative ones count from the end.
    pub(super) flip_bytes: Vec<i64>,
    /// The guest's blocks that are tampered with.
    pub(super) tamper: Vec<Tampering>,
    /// The size to which the image is cut, in bytes.
    pub(super) cut_to: Option<u64>,
    /// KiB that the image may grow by: the host's disk is full then.
    pub(super) host_room: Option<u64>,
    /// The boot must leave the disk as it finds it.
    pub(super) stays_unchanged: bool,
}

/// What is done to blocks, by their numbers on the guest's disk.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Tampering {
    /// One byte of a block's ciphertext is inverted.
    Flip(u64),
    /// The ciphertexts of two blocks change places.
    Swap(u64, u64),
    /// A block's ciphertext becomes what it was before the boot before.
    PutBack(u64),
}

impl Tampering {
    fn blocks(self) -> Vec<u64> {
        match self {
            Tampering::Flip(block) | Tampering::PutBack(block) => vec![block],
            Tampering::Swap(one, other) => vec![one, other],
        }
    }
}

impl Damage {
    /// Whether anything looks at the disk as it was before the boot before this one.
    pub(super) fn looks_back(&self) -> bool {
        let is_put_back = |tampering: &Tampering| matches!(tampering, Tampering::PutBack(_));
        self.tamper.iter().any(is_put_back)
    }

    /// Gives the machine the disk that this boot gets.
    pub(super) fn prepare(&self, image: &Path, machine: &mut Machine) {
        let image = self.image(image);
        if let Some(room) = self.host_room {
            let small = image.with_file_name("small");
            machine.disk = Some(small.join("disk.img"));
            machine.launcher = on_small_file_system(&image, &small, room);
        } else {
            machine.disk = Some(image);
        }
    }

    /// The image that is damaged.
    pub(super) fn image(&self, image: &Path) -> PathBuf {
        if self.to_a_copy {
            image.with_file_name("copy.img")
        } else {
            image.to_owned()
        }
    }

    /// Damages the image; `earlier` is a copy from before the boot before.
    pub(super) fn apply(&self, image: &Path, earlier: &Path) -> Result<()> {
        tamper(image, earlier, &self.tamper)?;
        let file = OpenOptions::new().read(true).write(true).open(image)?;
        for &offset in &self.flip_bytes {
            let start = if offset < 0 {
                file.metadata()?.len()
            } else {
                0
            };
            flip(&file, start.wrapping_add_signed(offset))?;
        }
        if let Some(size) = self.cut_to {
            file.set_len(size)?;
        }
        Ok(())
    }
}

fn tamper(image: &Path, earlier: &Path, tamperings: &[Tampering]) -> Result<()> {
    // All places are asked for first: a volume that was tampered with may not say.
    let mut places = Vec::new();
    for tampering in tamperings {
        places.push(locate(image, &tampering.blocks())?);
    }
    let file = OpenOptions::new().read(true).write(true).open(image)?;
    for (tampering, places) in tamperings.iter().zip(places) {
        match (tampering, places.as_slice()) {
            (Tampering::Flip(_), &[place]) => flip(&file, place + 1000)?,
            (Tampering::Swap(..), &[one, other]) => {
                let (first, second) = (read_block(&file, one)?, read_block(&file, other)?);
                file.write_all_at(&first, other)?;
                file.write_all_at(&second, one)?;
            }
            (&Tampering::PutBack(block), &[place]) => {
                let old_place = locate(earlier, &[block])?[0];
                let old = read_block(&File::open(earlier)?, old_place)?;
                ensure!(
                    old != read_block(&file, place)?,
                    "block {block} has not changed since"
                );
                file.write_all_at(&old, place)?;
            }
            _ => unreachable!("there is a place for each block"),
        }
    }
    Ok(())
}

/// Where the blocks lie in the image.
fn locate(image: &Path, blocks: &[u64]) -> Result<Vec<u64>> {
    volume::locate(image, blocks, &disk::passphrase_file(image))
}

fn read_block(file: &File, offset: u64) -> Result<[u8; BLOCK_SIZE]> {
    let mut block = [0; BLOCK_SIZE];
    file.read_exact_at(&mut block, offset)
        .with_context(|| format!("the disk has no block at byte {offset}"))?;
    Ok(block)
}

fn flip(file: &File, offset: u64) -> Result<()> {
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset)
        .with_context(|| format!("the disk has no byte {offset}"))?;
    file.write_all_at(&[!byte[0]], offset)?;
    Ok(())
}

/// Starts what follows with the image on a file system of its own that nobody else sees, and
/// brings the image back when it has ended.
fn on_small_file_system(image: &Path, folder: &Path, room: u64) -> Vec<String> {
    const SCRIPT: &str = r#"
        image=$1 folder=$2 room=$3; shift 3
        size=$(du -k "$image" | cut -f 1)
        mkdir -p "$folder" && mount -t tmpfs -o size="$((size + room))k" small "$folder" &&
            cp --sparse=always "$image" "$folder/disk.img" || exit
        "$@"
        status=$?
        cp --sparse=always "$folder/disk.img" "$image" || exit
        exit $status
    "#;
    // The whole family dies with unshare; no right of root's is needed.
    let unshare = "unshare --map-root-user --mount --pid --fork --kill-child sh -c";
    let mut launcher: Vec<_> = unshare.split(' ').map(str::to_owned).collect();
    launcher.extend([SCRIPT, "small"].map(str::to_owned));
    launcher.extend([image, folder].map(|path| path.display().to_string()));
    launcher.push(room.to_string());
    launcher
}

/// Copies an image, holes as holes.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    run_quietly(Command::new("cp").arg("--sparse=always").args([from, to]))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn damage(text: &str) -> Damage {
        toml::from_str(text).expect("the text is a damage")
    }

    #[test]
    fn bytes_are_counted_from_both_ends() {
        let file = std::env::temp_dir().join(format!("xtask-damage-{}", std::process::id()));
        fs::write(&file, [1, 2, 3, 4, 5]).expect("the temporary folder is writable");
        let apply = |text| damage(text).apply(&file, Path::new("none"));
        apply("flip-bytes = [1, -1]").expect("the file has these");
        let flipped = fs::read(&file).expect("it was just written");
        apply("cut-to = 2").expect("files can be cut");
        let beyond = apply("flip-bytes = [2]");
        fs::remove_file(&file).expect("it was just written");
        assert_eq!(flipped, [1, !2, 3, 4, !5]);
        assert!(beyond.is_err());
    }

    #[test]
    fn only_putting_back_looks_back() {
        assert!(!damage("tamper = [{ flip = 1 }, { swap = [2, 3] }]").looks_back());
        assert!(damage("tamper = [{ put-back = 4 }]").looks_back());
    }
}
