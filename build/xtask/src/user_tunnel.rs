//! The user's tunnel: where its other end is, and how its keys come into the volume.
//!
//! Beside a volume stands a folder. If it holds a peer's configuration, `run` starts that peer; if it is empty, the
//! user has given a configuration of their own, and the other end is somewhere else. The keys of the guest's end
//! are in the volume alone: the file in which they came into the folder is removed once they are there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use crate::peer::{self, Peer};
use crate::volume::Stored;

/// What is known of a tunnel before its keys are in a volume.
#[derive(Clone, Copy)]
pub(crate) struct Tunnel<'a> {
    /// Its number among the system's.
    pub(crate) number: usize,
    /// The user's own configuration of the guest's end; without it, a peer is started here.
    pub(crate) own: Option<&'a Path>,
}

/// The keys of the guest's end of a tunnel, on their way into a volume.
pub(crate) struct Keys {
    file: PathBuf,
    folder: PathBuf,
}

/// The keys that the volume still lacks, if it does: the user's own, or new ones with a new peer.
pub(crate) fn missing_keys(image: &Path, tunnel: Tunnel<'_>) -> Result<Option<Keys>> {
    let folder = peer::folder(image);
    if tunnel.own.is_none() && folder.exists() && image.exists() {
        // A file with keys that is still there never came into the volume: somebody interrupted that.
        let file = peer::guest_keys(&folder);
        return Ok(file.exists().then_some(Keys { file, folder }));
    }
    let file = match tunnel.own {
        // Only a configuration that is right takes the place of what was there.
        Some(own) => peer::adopt(own, &folder)?,
        None => {
            forget(&folder)?;
            peer::create(&folder, tunnel.number, None)?
        }
    };
    Ok(Some(Keys { file, folder }))
}

/// Starts the other end of the volume's tunnel, if it is this tool's.
pub(crate) fn start_peer(image: &Path) -> Result<Option<Peer>> {
    let folder = peer::folder(image);
    peer::start(&folder, None).map_err(|error| {
        anyhow!(
            "{error:#}. If nobody else runs this volume, remove {}: the next start then makes new keys and a new peer",
            folder.display()
        )
    })
}

impl Keys {
    /// The file with them.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Notes whether the volume has them now.
    pub(crate) fn stored(self, result: Result<Stored>) -> Result<()> {
        match result {
            // The next start begins anew.
            Err(_) => forget(&self.folder)?,
            Ok(Stored::New) => fs::remove_file(&self.file)
                .with_context(|| format!("{} cannot be removed", self.file.display()))?,
            Ok(Stored::Old) => {
                eprintln!("The volume holds keys already. They stay, and no peer is started here.");
                forget(&self.folder)?;
                make(&self.folder)?;
            }
        }
        result.map(drop)
    }
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))
}

fn forget(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    Ok(())
}
