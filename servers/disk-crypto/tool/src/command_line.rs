//! What the program can be asked to do.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::passphrase::{CurrentPassphrase, NewPassphrase};
use crate::size::Size;
use crate::{backup, create, inspect, keys, locate, slots};

/// Create, inspect and change Sekisho's encrypted volumes.
///
/// IMAGE is a file or a block device. No command changes a guest's data. Do not change a volume
/// while a system runs on it.
#[derive(Parser)]
#[command(name = "volume", bin_name = "cargo xtask volume", version)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a new volume; takes a moment, whatever its size.
    Create {
        /// The file to create, or a block device.
        image: PathBuf,
        /// How large the file shall be: a number and K, M, G or T (powers of 1024). About 93 % of it is
        /// for data. Space on the host is taken only as the volume fills.
        #[arg(long)]
        size: Option<Size>,
        /// Overwrite what is there. All data in it is lost.
        #[arg(long)]
        force: bool,
        /// Put the text of FILE into the key store at once, as `keys --set` does later.
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
        #[command(flatten)]
        passphrase: CreatePassphrase,
    },
    /// Say what can be known of a volume without its passphrase.
    Inspect {
        /// The volume.
        image: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Say where in the image a block of the guest's disk lies, such as one that the console names.
    Locate {
        /// The volume.
        image: PathBuf,
        /// Numbers of blocks, in units of 4 KiB.
        #[arg(required = true)]
        blocks: Vec<u64>,
        #[command(flatten)]
        passphrase: CurrentPassphrase,
    },
    /// Fill or empty the volume's key store: what the components beside the guest need to keep secret.
    ///
    /// The store holds one text, such as the configuration of the guest's tunnel (wg-quick's format), under the
    /// volume's passphrase. The guest cannot reach it, and this program never prints it.
    Keys {
        /// The volume.
        image: PathBuf,
        #[command(flatten)]
        contents: keys::Contents,
        /// Leave a store that holds a text as it is; the exit status is then 3.
        #[arg(long, conflicts_with = "clear")]
        if_empty: bool,
        #[command(flatten)]
        passphrase: CurrentPassphrase,
    },
    /// Let a further passphrase open the volume.
    AddSlot {
        /// The volume.
        image: PathBuf,
        #[command(flatten)]
        passphrase: CurrentPassphrase,
        #[command(flatten)]
        new: NewPassphrase,
    },
    /// Make the passphrase of a key slot useless. The last slot cannot be removed.
    RemoveSlot {
        /// The volume.
        image: PathBuf,
        /// The slot's number, as `inspect` shows it.
        slot: usize,
        #[command(flatten)]
        passphrase: CurrentPassphrase,
    },
    /// Replace the passphrase that you give by another one.
    ChangePassphrase {
        /// The volume.
        image: PathBuf,
        #[command(flatten)]
        passphrase: CurrentPassphrase,
        #[command(flatten)]
        new: NewPassphrase,
    },
    /// Save the header to a file, against damage to both its copies.
    ///
    /// The backup opens with the passphrases of today, even if they are removed or changed later: keep it
    /// as safe as they are, and make a new one after each change.
    BackupHeader {
        /// The volume.
        image: PathBuf,
        /// The file to create.
        backup: PathBuf,
    },
    /// Write a saved header back; the key slots become those of that time.
    RestoreHeader {
        /// The volume.
        image: PathBuf,
        /// What `backup-header` wrote.
        backup: PathBuf,
        /// Restore even if the image holds no header of the same volume.
        #[arg(long)]
        force: bool,
    },
}

/// Where the passphrase of a new volume comes from.
#[derive(clap::Args)]
struct CreatePassphrase {
    /// Read the passphrase from the first line of FILE instead of asking for it.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl CommandLine {
    pub(crate) fn execute(self) -> Result<ExitCode> {
        match self.command {
            Command::Create {
                image,
                size,
                force,
                keys,
                passphrase,
            } => {
                let passphrase = NewPassphrase {
                    new_passphrase_file: passphrase.passphrase_file,
                };
                let existing = if force {
                    create::Existing::Overwrite
                } else {
                    create::Existing::Keep
                };
                create::execute(&image, size, existing, keys.as_deref(), &passphrase)
            }
            Command::Inspect { image, json } => {
                let format = if json {
                    inspect::Format::Json
                } else {
                    inspect::Format::Text
                };
                inspect::execute(&image, format)
            }
            Command::Locate {
                image,
                blocks,
                passphrase,
            } => locate::execute(&image, &blocks, &passphrase),
            Command::Keys {
                image,
                contents,
                if_empty,
                passphrase,
            } => {
                let old = if if_empty {
                    keys::Old::Kept
                } else {
                    keys::Old::Replaced
                };
                return keys::execute(&image, &contents, old, &passphrase);
            }
            Command::AddSlot {
                image,
                passphrase,
                new,
            } => slots::add(&image, &passphrase, &new),
            Command::RemoveSlot {
                image,
                slot,
                passphrase,
            } => slots::remove(&image, slot, &passphrase),
            Command::ChangePassphrase {
                image,
                passphrase,
                new,
            } => slots::change(&image, &passphrase, &new),
            Command::BackupHeader { image, backup } => backup::save(&image, &backup),
            Command::RestoreHeader {
                image,
                backup,
                force,
            } => {
                let check = if force {
                    backup::Check::Skip
                } else {
                    backup::Check::SameVolume
                };
                backup::restore(&image, &backup, check)
            }
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
