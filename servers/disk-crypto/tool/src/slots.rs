//! `volume add-slot`, `remove-slot`, `change-passphrase`.

use std::path::Path;

use anyhow::Result;
use disk_crypto_core::key_slot::Cost;
use disk_crypto_core::tasks::block_on;
use disk_crypto_core::unlock::{self, Unlocked};

use crate::image::{Image, Purpose, device_error, randomness, working_memory};
use crate::passphrase::{CurrentPassphrase, NewPassphrase};

pub(crate) fn add(path: &Path, current: &CurrentPassphrase, new: &NewPassphrase) -> Result<()> {
    let (image, mut unlocked) = open(path, current)?;
    let slot = unlocked.add_slot(
        unlock::NewPassphrase {
            passphrase: &new.get()?,
            cost: Cost::DEFAULT,
            memory: &mut working_memory(),
        },
        &mut randomness()?,
    )?;
    save(&image, &mut unlocked)?;
    println!("the new passphrase is in slot {slot}");
    Ok(())
}

pub(crate) fn remove(path: &Path, slot: usize, current: &CurrentPassphrase) -> Result<()> {
    let (image, mut unlocked) = open(path, current)?;
    unlocked.remove_slot(slot)?;
    save(&image, &mut unlocked)?;
    println!("slot {slot} is free; backups of the header still open with its passphrase");
    Ok(())
}

pub(crate) fn change(path: &Path, current: &CurrentPassphrase, new: &NewPassphrase) -> Result<()> {
    let (image, mut unlocked) = open(path, current)?;
    let slot = unlocked.slot();
    unlocked.replace_slot(
        slot,
        unlock::NewPassphrase {
            passphrase: &new.get()?,
            cost: Cost::DEFAULT,
            memory: &mut working_memory(),
        },
        &mut randomness()?,
    )?;
    save(&image, &mut unlocked)?;
    println!(
        "slot {slot} has the new passphrase; backups of the header still open with the old one"
    );
    Ok(())
}

fn open(path: &Path, current: &CurrentPassphrase) -> Result<(Image, Unlocked)> {
    let image = Image::open(path, Purpose::Write)?;
    // Before a passphrase is asked for in vain.
    image.read_headers()?;
    let unlocked = image.unlock(&current.get()?)?;
    Ok((image, unlocked))
}

fn save(image: &Image, unlocked: &mut Unlocked) -> Result<()> {
    block_on(unlocked.save(image)).map_err(|error| image.explain(device_error(error)))
}
