//! Options of DHCPv6's messages, one behind the other (RFC 8415, section 21).

use alloc::vec::Vec;

/// Their numbers (the last: section 21.24).
pub(super) const CLIENT_IDENTIFIER: u16 = 1;
pub(super) const SERVER_IDENTIFIER: u16 = 2;
pub(super) const ASSOCIATION: u16 = 3;
pub(super) const ADDRESS: u16 = 5;
pub(super) const REQUEST: u16 = 6;
pub(super) const PREFERENCE: u16 = 7;
pub(super) const ELAPSED_TIME: u16 = 8;
pub(super) const STATUS: u16 = 13;
pub(super) const RAPID_COMMIT: u16 = 14;
pub(super) const LONGEST_SOLICIT: u16 = 82;

/// The number of our only association of addresses.
pub(super) const OUR_ASSOCIATION: [u8; 4] = [0, 0, 0, 1];

/// The message contradicts itself or ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Writes an option behind others. Values are shorter than 64 KiB: the longest is an identifier of 130 bytes.
pub(super) fn append(message: &mut Vec<u8>, option: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(0);
    message.extend(option.to_be_bytes());
    message.extend(length.to_be_bytes());
    message.extend(value);
}

/// Options one behind the other, each with its number and value (section 21.1).
pub(super) struct Options<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Options<'a> {
    type Item = Result<(u16, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let option = self.cut();
        if option.is_none() {
            self.0 = &[];
        }
        Some(option.ok_or(Malformed))
    }
}

impl<'a> Options<'a> {
    /// The first, which is taken away; none if there is not all of it.
    fn cut(&mut self) -> Option<(u16, &'a [u8])> {
        let ([n0, n1, l0, l1], rest) = self.0.split_first_chunk()?;
        let length = u16::from_be_bytes([*l0, *l1]);
        let (value, rest) = rest.split_at_checked(usize::from(length))?;
        self.0 = rest;
        Some((u16::from_be_bytes([*n0, *n1]), value))
    }
}

#[cfg(test)]
pub(super) mod samples {
    use super::{Vec, append};

    pub(crate) const MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
    pub(crate) const SERVER: [u8; 10] = [0, 3, 0, 1, 2, 0, 0, 0, 0, 9];

    pub(crate) fn option(number: u16, value: &[u8]) -> Vec<u8> {
        let mut option = Vec::new();
        append(&mut option, number, value);
        option
    }
}
