//! Opening the volume at the start.

use core::fmt;

use disk_crypto_core::{
    BlockDevice, Volume,
    error::OpenError,
    unlock::{Locked, MemoryBlock},
    volume::Randomness,
};
use runtime::{
    Component, Notification,
    shared_memory::{self, ChannelError},
};

use crate::{disk::Disk, passphrase};

/// Tree nodes (4 KiB each) that are kept in memory: enough for 750 MiB of data without reading any twice.
const CACHE_NODES: usize = 2048;

/// Why the volume stays closed.
pub(crate) enum Refusal {
    Volume(OpenError),
    TooManyTries,
    GivenUp,
    Console(ChannelError),
    Manifest(shared_memory::OpenError),
}

pub(crate) fn open<'a>(
    component: &mut Component,
    notification: Notification,
    disk: &'a Disk,
) -> Result<Volume<&'a Disk>, Refusal> {
    disk.wait_for(notification, disk.ask_size())
        .map_err(OpenError::from)?;
    let locked = disk.wait_for(notification, Locked::read(&disk))?;
    report_headers(&locked);
    let memory: &mut [MemoryBlock] = component.memory.exclusive_values("argon2")?;
    let unlocked = passphrase::unlock(component, notification, &locked, memory)?;
    let mut seed = [0; 32];
    component.random.fill(&mut seed);
    let opening = Volume::open(disk, unlocked, CACHE_NODES, Randomness::new(seed));
    let (volume, opened) = disk.wait_for(notification, opening)?;
    if opened.repaired_header {
        runtime::println!("a copy of the header was damaged or out of date, and is repaired");
    }
    if opened.repaired_root {
        runtime::println!("a copy of the root record was damaged or out of date, and is repaired");
    }
    let mebibytes = volume.parts().guest.block_count() / 256;
    runtime::println!(
        "volume unlocked: {mebibytes} MiB on a disk of {} MiB, {} records in the log",
        disk.block_count() / 256,
        opened.log_records
    );
    Ok(volume)
}

fn report_headers(locked: &Locked) {
    for (name, error) in ["first", "second"].iter().zip(locked.errors()) {
        if let Some(error) = error {
            runtime::println!("the {name} copy of the header cannot be used: {error}");
        }
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        Self::Volume(error)
    }
}

impl From<ChannelError> for Refusal {
    fn from(error: ChannelError) -> Self {
        Self::Console(error)
    }
}

impl From<shared_memory::OpenError> for Refusal {
    fn from(error: shared_memory::OpenError) -> Self {
        Self::Manifest(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Volume(error) => error.fmt(f),
            Self::TooManyTries => f.write_str("three wrong passphrases; restart to try again"),
            Self::GivenUp => f.write_str("no passphrase was given; restart to try again"),
            Self::Console(error) => write!(f, "the console: {error}"),
            Self::Manifest(error) => error.fmt(f),
        }
    }
}
