//! `cargo xtask clean`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::{folders, volume, workspace};

/// What tests and benches make, volumes too, and make again.
const SCRATCH: [&str; 2] = ["target/scenarios", "target/bench"];

/// Remove what was built. No volume is ever removed: where one lies among it, nothing is.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Remove the downloads too (~/.cache/sekisho).
    #[arg(long)]
    cache: bool,
}

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    let data = folders::data()?;
    let mut folders = vec![workspace::path("target")];
    if arguments.cache {
        folders.push(folders::cache()?);
    }
    clean(&folders, &data, &SCRATCH.map(workspace::path))?;
    println!("Volumes stay in {}", data.display());
    Ok(ExitCode::SUCCESS)
}

/// Removes the folders; looks at all of them before anything goes.
fn clean(folders: &[PathBuf], data: &Path, scratch: &[PathBuf]) -> Result<()> {
    for folder in folders {
        ensure!(
            !(data.exists() && data.starts_with(folder)),
            "{} holds the volumes; nothing is removed",
            folder.display()
        );
        refuse_volumes(folder, scratch)?;
    }
    folders.iter().try_for_each(|folder| remove(folder))
}

/// Fails if there is a volume anywhere below the folder.
fn refuse_volumes(folder: &Path, scratch: &[PathBuf]) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| format!("{} cannot be read", folder.display()))?,
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_dir() && !scratch.contains(&path) {
            refuse_volumes(&path, scratch)?;
        } else if kind.is_file() && volume::is_one(&path)? {
            bail!(
                "{} is a volume; nothing is removed until it lies elsewhere",
                path.display()
            );
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Ok(()) => println!("Removed {}", folder.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be removed", folder.display()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with `target` and `cache` to be cleaned, and `data` to be kept.
    struct Home(PathBuf);

    impl Home {
        fn new(name: &str) -> Home {
            let home = Home(std::env::temp_dir().join(format!("{name}-{}", std::process::id())));
            home.write("target/debug/program", b"\x7fELF");
            home.write("target/scenarios/disk.img", &image());
            home.write("cache/guest/vmlinuz", b"a kernel");
            home.write("data/first-light.img", &image());
            home
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }

        fn write(&self, name: &str, contents: &[u8]) {
            let file = self.path(name);
            fs::create_dir_all(file.parent().expect("it has a folder"))
                .and_then(|()| fs::write(file, contents))
                .expect("the temporary folder is writable");
        }

        fn clean(&self, data: &str) -> Result<()> {
            let folders = ["target", "cache"].map(|name| self.path(name));
            clean(&folders, &self.path(data), &[self.path("target/scenarios")])
        }
    }

    impl Drop for Home {
        fn drop(&mut self) {
            // What is left over in the temporary folder harms nobody.
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// What looks like a volume whose first header is gone.
    fn image() -> Vec<u8> {
        let mut image = vec![0; 2 << 20];
        let header = image.len() - 4096;
        image[header..][..8].copy_from_slice(volume::MAGIC);
        image
    }

    #[test]
    fn what_was_built_and_fetched_goes_and_volumes_stay() {
        let home = Home::new("xtask-clean");
        home.clean("data").expect("nothing is in the way");
        assert!(!home.path("target").exists() && !home.path("cache").exists());
        assert!(home.path("data/first-light.img").exists());
        home.clean("data").expect("there is nothing left to do");
    }

    #[test]
    fn a_volume_among_it_keeps_everything() {
        let home = Home::new("xtask-clean-volume");
        home.write("cache/deep/mine.img", &image());
        let refusal = home.clean("data").expect_err("a volume is there");
        assert!(refusal.to_string().contains("mine.img is a volume"));
        assert!(home.path("target/debug/program").exists());
    }

    #[test]
    fn volumes_in_the_cache_keep_everything() {
        // XDG_CACHE_HOME and XDG_DATA_HOME may be the same folder.
        let home = Home::new("xtask-clean-same");
        let refusal = home.clean("cache").expect_err("the folder is the same");
        assert!(refusal.to_string().contains("holds the volumes"));
        assert!(home.path("target/debug/program").exists());
    }
}
