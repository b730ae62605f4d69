//! The user's tunnel: where its other end is, and how its keys come into the volume.
//!
//! Beside a volume stands a folder. If it holds a peer's configuration, `run` starts that peer; if it is empty, the
//! user has given a configuration of their own, and the other end is somewhere else. The keys of the guest's end
//! are in the volume alone: what was made for them here is removed once they are there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::peer::{self, Peer};

/// The keys of the guest's end of a tunnel, on their way into a volume.
pub(crate) struct Keys {
    file: PathBuf,
    /// Whether the file is ours, and goes once the volume has it.
    is_made: bool,
    folder: PathBuf,
}

/// The keys that the volume still lacks, if it does: the user's own, or new ones with a new peer.
pub(crate) fn missing_keys(image: &Path, own: Option<&Path>) -> Result<Option<Keys>> {
    let folder = peer::folder(image);
    if own.is_none() && folder.exists() && image.exists() {
        return Ok(None);
    }
    forget(&folder)?;
    let file = match own {
        Some(file) => {
            fs::create_dir_all(&folder)
                .with_context(|| format!("{} cannot be made", folder.display()))?;
            file.to_owned()
        }
        None => peer::create(&folder)?,
    };
    Ok(Some(Keys {
        file,
        is_made: own.is_none(),
        folder,
    }))
}

/// Starts the other end of the volume's tunnel, if it is this tool's.
pub(crate) fn start_peer(image: &Path) -> Result<Option<Peer>> {
    peer::start(&peer::folder(image))
}

impl Keys {
    /// The file with them.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Notes whether the volume has them now.
    pub(crate) fn stored(self, result: Result<()>) -> Result<()> {
        if result.is_err() {
            // The next start begins anew.
            forget(&self.folder)?;
        } else if self.is_made {
            fs::remove_file(&self.file)
                .with_context(|| format!("{} cannot be removed", self.file.display()))?;
        }
        result
    }
}

fn forget(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    Ok(())
}
