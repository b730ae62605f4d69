//! The user's volumes: where they are, and their creation at the first run.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::folders;
use crate::process::run_quietly;
use crate::user_tunnel::{self, Keys, Tunnel};
use crate::volume::{self, OldKeys, Stored};

/// Size of a volume that is created by the way.
const SIZE: &str = "1G";

/// Free bytes below which nothing is started: the build and the volume would run dry.
const LEAST_ROOM: u64 = 512 << 20;

/// The volume's image when the user names none.
pub(crate) fn default_image() -> Result<PathBuf> {
    Ok(folders::data()?.join("first-light.img"))
}

/// Sees to it that the image is there, and holds the keys of the guest's tunnel if there is one.
pub(crate) fn prepare(
    image: &Path,
    passphrase_file: Option<&Path>,
    tunnel: Option<Tunnel<'_>>,
) -> Result<()> {
    if let Some(folder) = image
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let keys = match tunnel {
        None => None,
        Some(tunnel) if image.exists() && !volume::has_key_store(image)? => {
            ensure!(
                tunnel.own.is_none(),
                "{} is from before volumes could keep keys: --peer needs a new one, by --disk FILE",
                image.display()
            );
            eprintln!(
                "warning: {} is from before volumes could keep keys, so its guest gets no network; a new volume \
                 (--disk FILE) has one",
                image.display()
            );
            None
        }
        Some(tunnel) => user_tunnel::missing_keys(image, tunnel)?,
    };
    if !image.exists() {
        eprintln!("Creating the encrypted volume {} ({SIZE})", image.display());
        check_room(image, LEAST_ROOM)?;
        let file = keys.as_ref().map(Keys::file);
        let created = volume::create(image, SIZE, passphrase_file, file);
        match keys {
            Some(keys) => keys.stored(created.map(|()| Stored::New))?,
            None => created?,
        }
    } else if let Some(keys) = keys {
        eprintln!("The keys of the guest's tunnel go into its volume, under its passphrase.");
        let old = match tunnel {
            Some(Tunnel { own: Some(_), .. }) => OldKeys::Replaced,
            _ => OldKeys::Kept,
        };
        let stored = volume::store_keys(image, keys.file(), old, passphrase_file);
        keys.stored(stored)?;
    }
    let file = File::options()
        .read(true)
        .write(true)
        .open(image)
        .with_context(|| format!("the volume {} cannot be opened", image.display()))?;
    warn_of_growth(image, &file.metadata()?)
}

/// The second guest's volume: the file beside the first with -2 behind its name.
pub(crate) fn beside(image: &Path) -> PathBuf {
    let mut name = image.file_stem().unwrap_or_default().to_owned();
    name.push("-2");
    let second = image.with_file_name(name);
    match image.extension() {
        Some(extension) => second.with_extension(extension),
        None => second,
    }
}

/// A sparse image grows while the guest writes; a host that cannot hold it gives I/O errors later.
fn warn_of_growth(image: &Path, metadata: &fs::Metadata) -> Result<()> {
    if !metadata.is_file() {
        return Ok(());
    }
    ensure!(
        metadata.len() > 0,
        "the volume {} is empty",
        image.display()
    );
    let stored = metadata.blocks() * 512;
    let growth = metadata.len().saturating_sub(stored);
    let room = room_at(image)?;
    if room < growth {
        eprintln!(
            "warning: {} may grow by {} MiB, and {} MiB are free; when the host's disk is full, \
             the guest's writes fail",
            image.display(),
            growth >> 20,
            room >> 20
        );
    }
    Ok(())
}

fn check_room(place: &Path, wanted: u64) -> Result<()> {
    let room = room_at(place)?;
    if room < wanted {
        bail!(
            "the disk that holds {} has {} MiB free, {} MiB are needed",
            place.display(),
            room >> 20,
            wanted >> 20
        );
    }
    Ok(())
}

/// Free bytes on the file system of the nearest folder that exists.
fn room_at(place: &Path) -> Result<u64> {
    let existing = place.ancestors().find(|place| place.exists());
    let existing = existing.unwrap_or(Path::new("."));
    let listing = run_quietly(
        Command::new("df")
            .args(["--block-size=1", "--output=avail"])
            .arg(existing),
    )?;
    listing
        .lines()
        .nth(1)
        .and_then(|line| line.trim().parse().ok())
        .context("df printed something unexpected")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_volume_is_named_after_the_first() {
        assert_eq!(beside(Path::new("a/b.img")), Path::new("a/b-2.img"));
        assert_eq!(beside(Path::new("volume")), Path::new("volume-2"));
    }
}
