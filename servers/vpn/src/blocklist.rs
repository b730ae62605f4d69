//! The administrator's list of what the guest may not reach.

use alloc::vec;
use core::fmt;

use runtime::{Component, environment::Missing, shared_memory::OpenError};
use vpn_core::inside::{Blocklist, BlocklistError, LIST_BYTES_MAX};

/// Parameter and file of the same name.
const NAME: &str = "blocklist";
const KEY_DIGITS: usize = 64;

/// Why there is no list although the manifest asks for one. Without it, the guest gets no network.
pub(crate) enum NoList {
    /// The manifest does not say whose list.
    Missing(Missing),
    /// It does not say so rightly.
    Parameter,
    /// The file is not there.
    Closed(OpenError),
    /// The file is no list of that administrator's, or an old one.
    Refused(BlocklistError),
}

/// The list that the manifest asks for, if it does.
pub(crate) fn read(component: &Component) -> Result<Option<Blocklist>, NoList> {
    let parameter = component.environment.text(NAME).map_err(NoList::Missing)?;
    if parameter.is_empty() {
        return Ok(None);
    }
    let (key, least) = parse(parameter).ok_or(NoList::Parameter)?;
    let file = component.memory.reader(NAME).map_err(NoList::Closed)?;
    if file.len() > LIST_BYTES_MAX {
        return Err(NoList::Refused(BlocklistError::TooLong));
    }
    let mut text = vec![0; file.len()];
    // The text is as long as the file.
    let _ = file.read_at(0, &mut text);
    let list = Blocklist::read(&text, &key, least).map_err(NoList::Refused)?;
    let (names, addresses) = list.counts();
    let number = list.number();
    runtime::println!("blocklist {number}: {names} names, {addresses} ranges of addresses");
    Ok(Some(list))
}

/// `PUBLIC-KEY from NUMBER`, the key in hexadecimal digits.
fn parse(text: &str) -> Option<([u8; 32], u64)> {
    let (digits, least) = text.split_once(" from ")?;
    (digits.len() == KEY_DIGITS).then_some(())?;
    let mut key = [0; 32];
    for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some((key, least.parse().ok()?))
}

impl fmt::Display for NoList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(error) => error.fmt(f),
            Self::Parameter => {
                f.write_str("the parameter `blocklist` must be PUBLIC-KEY from NUMBER, or empty")
            }
            Self::Closed(error) => error.fmt(f),
            Self::Refused(error) => error.fmt(f),
        }
    }
}
