//! Numbers that nobody guesses.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};

/// 128 fresh random bits in hexadecimal.
pub(crate) fn fresh() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("the host gives no random numbers")?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}
