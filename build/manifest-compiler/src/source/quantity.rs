//! Sizes and durations as people write them: `"64 KiB"`, `"10 ms"`.

use serde::Deserialize;

/// A number of bytes, written `"0"`, `"64 KiB"`, `"2 MiB"` or `"1 GiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Size(u64);

impl Size {
    /// Bytes.
    pub(crate) fn bytes(self) -> u64 {
        self.0
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "0" {
            return Ok(Self(0));
        }
        let units = [
            ("B", 1u64),
            ("KiB", 1 << 10),
            ("MiB", 1 << 20),
            ("GiB", 1 << 30),
        ];
        parse(&text, &units)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no size; write it like `64 KiB`"))
    }
}

/// A stretch of time, written `"500 us"` or `"10 ms"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Duration(u64);

impl Duration {
    /// Microseconds.
    pub(crate) fn microseconds(self) -> u64 {
        self.0
    }
}

impl TryFrom<String> for Duration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse(&text, &[("us", 1), ("ms", 1_000), ("s", 1_000_000)])
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no duration; write it like `10 ms`"))
    }
}

/// A whole number, one space, a unit.
fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = text.split_once(' ')?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_read() {
        let size = |text: &str| Size::try_from(text.to_owned()).map(Size::bytes);
        assert_eq!(size("0"), Ok(0));
        assert_eq!(size("64 KiB"), Ok(65_536));
        assert_eq!(size("512 MiB"), Ok(536_870_912));
        let time = |text: &str| Duration::try_from(text.to_owned()).map(Duration::microseconds);
        assert_eq!(time("500 us"), Ok(500));
        assert_eq!(time("10 ms"), Ok(10_000));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "64", "64KiB", "64 KB", "-1 KiB", "99999999999999 GiB"] {
            assert!(Size::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert!(Duration::try_from("10 minutes".to_owned()).is_err());
    }
}
