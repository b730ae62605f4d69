//! Where manifests are read from.

use std::path::PathBuf;

/// A tree of files, such as the repository.
pub trait SourceTree {
    /// The text of the file at `path`, which is written with `/` and starts at the tree's root.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
    fn read(&self, path: &str) -> Result<String, String>;
}

/// A folder of the file system.
#[derive(Clone, Debug)]
pub struct Folder(pub PathBuf);

impl SourceTree for Folder {
    fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.0.join(path)).map_err(|error| error.to_string())
    }
}
