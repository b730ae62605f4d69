//! Sizes as people write them.

use std::str::FromStr;

use anyhow::{Result, bail};

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Size {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        let shift = match &text[digits.len()..] {
            "" => 0,
            "K" | "KiB" => 10,
            "M" | "MiB" => 20,
            "G" | "GiB" => 30,
            "T" | "TiB" => 40,
            other => bail!("`{other}` is no unit of size; K, M, G and T are"),
        };
        let Ok(number) = digits.parse::<u64>() else {
            bail!("a size is a number and K, M, G or T, for example 256M");
        };
        match number.checked_mul(1 << shift) {
            Some(bytes) => Ok(Self(bytes)),
            None => bail!("no disk is that large"),
        }
    }
}

/// A size for people to read.
pub(crate) fn readable(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    for (shift, unit) in units {
        let whole = bytes >> shift;
        if whole > 0 {
            let tenths = ((bytes - (whole << shift)) * 10) >> shift;
            return format!("{whole}.{tenths} {unit}");
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        assert_eq!("256M".parse::<Size>().ok(), Some(Size(256 << 20)));
        assert_eq!("1TiB".parse::<Size>().ok(), Some(Size(1 << 40)));
        assert_eq!("4096".parse::<Size>().ok(), Some(Size(4096)));
        for wrong in ["", "M", "1X", "-1", "99999999999T", "1 M"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
        assert_eq!(readable(1536 << 20), "1.5 GiB");
        assert_eq!(readable(100), "100 bytes");
    }
}
