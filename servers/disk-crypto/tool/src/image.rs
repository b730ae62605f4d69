//! An image on the host as a block device.

use std::cell::RefCell;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Error, Result, anyhow, bail};
use disk_crypto_core::error::OpenError;
use disk_crypto_core::key_slot::Cost;
use disk_crypto_core::tasks::block_on;
use disk_crypto_core::unlock::{Locked, MemoryBlock, Unlocked};
use disk_crypto_core::volume::Randomness;
use disk_crypto_core::{BLOCK_SIZE, BlockDevice, DeviceError};

use crate::passphrase::Passphrase;

/// What is to be done with an image.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Only look.
    Read,
    /// Change what is there.
    Write,
}

/// An open image.
pub(crate) struct Image {
    file: File,
    block_count: u64,
    /// Why a request failed: the engine only learns that it did.
    failure: RefCell<Option<io::Error>>,
}

impl Image {
    pub(crate) fn open(path: &Path, purpose: Purpose) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(purpose == Purpose::Write)
            .open(path)
            .with_context(|| format!("{}", path.display()))?;
        Self::new(file, purpose).with_context(|| format!("{}", path.display()))
    }

    /// Takes `file` as an image; to change it, one has to be the only one.
    pub(crate) fn new(mut file: File, purpose: Purpose) -> Result<Self> {
        if purpose == Purpose::Write {
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => bail!("another program is changing this image"),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
        // The size that files and block devices both have.
        let bytes = file.seek(SeekFrom::End(0))?;
        let block_count = bytes / BLOCK_SIZE as u64;
        let failure = RefCell::new(None);
        Ok(Self {
            file,
            block_count,
            failure,
        })
    }

    /// Reads the headers.
    pub(crate) fn read_headers(&self) -> Result<Locked> {
        block_on(Locked::read(self)).map_err(|error| self.explain(error))
    }

    /// Reads the headers and opens a key slot.
    pub(crate) fn unlock(&self, passphrase: &Passphrase) -> Result<Unlocked> {
        let locked = self.read_headers()?;
        locked
            .unlock(passphrase, &mut working_memory())
            .map_err(|error| self.explain(error))
    }

    /// The error of the engine, with what the host said where it was the host.
    pub(crate) fn explain(&self, error: impl Into<Error>) -> Error {
        match self.failure.take() {
            Some(failure) => anyhow!(failure).context("the image cannot be read or written"),
            None => error.into(),
        }
    }

    fn note<T>(&self, result: io::Result<T>) -> Result<T, DeviceError> {
        result.map_err(|error| {
            self.failure.replace(Some(error));
            DeviceError
        })
    }
}

impl BlockDevice for Image {
    fn block_count(&self) -> u64 {
        self.block_count
    }

    async fn read(&self, first: u64, data: &mut [u8]) -> Result<(), DeviceError> {
        self.note(self.file.read_exact_at(data, first * BLOCK_SIZE as u64))
    }

    async fn write(&self, first: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.note(self.file.write_all_at(data, first * BLOCK_SIZE as u64))
    }

    async fn flush(&self) -> Result<(), DeviceError> {
        self.note(self.file.sync_data())
    }
}

/// Memory for any key slot that a legal header can hold.
pub(crate) fn working_memory() -> Vec<MemoryBlock> {
    vec![MemoryBlock::default(); Cost::LIMIT.memory_kib as usize]
}

/// Random numbers from the host's kernel.
pub(crate) fn randomness() -> Result<Randomness> {
    use std::io::Read;
    let mut seed = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut seed))
        .context("the host gives no random numbers")?;
    Ok(Randomness::new(seed))
}

/// For errors of the engine that concern the device only.
pub(crate) fn device_error(DeviceError: DeviceError) -> Error {
    OpenError::Device.into()
}
