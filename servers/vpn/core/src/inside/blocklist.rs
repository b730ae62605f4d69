//! The administrator's list of forbidden names and addresses.
//!
//! It is a text, so that an auditor can read it:
//!
//! ```text
//! sekisho-blocklist 1
//! number 7
//! # names forbid themselves and everything below them
//! name ads.example
//! address 192.0.2.0/24
//! address 2001:db8:bad::/48
//! signature 5c12...
//! ```
//!
//! The last line is an Ed25519 signature (RFC 8032, 128 hexadecimal digits) over everything before it. Numbers
//! grow: a list below the least number that the system asks for is refused, so that nobody can put an old one
//! in place of a new one. Names are in lower case (those of other alphabets in the form of RFC 5891, `xn--`);
//! empty lines and lines that begin with `#` say nothing.

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ed25519_dalek::{Signature, VerifyingKey};

/// Bytes of the longest list.
pub const LIST_BYTES_MAX: usize = 512 << 10;

const FIRST_LINE: &str = "sekisho-blocklist 1";
const SIGNATURE_LINE: &[u8] = b"signature ";
const SIGNATURE_DIGITS: usize = 128;
const NAME: &[u8] = b"name ";
const ADDRESS: &[u8] = b"address ";

/// What is forbidden.
#[derive(Clone, Debug, Default)]
pub struct Blocklist {
    number: u64,
    /// All names one after the other, and where each begins and ends, in the order of the names.
    text: Vec<u8>,
    names: Vec<(u32, u32)>,
    /// First and last addresses, in order, not overlapping; IPv4 as ::ffff:a.b.c.d.
    addresses: Vec<(u128, u128)>,
}

/// Why a list is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlocklistError {
    /// It has more than [`LIST_BYTES_MAX`] bytes.
    TooLong,
    /// The administrator's key is none.
    BadKey,
    /// The last line is no signature.
    NoSignature,
    /// The signature is not the administrator's, or the list was changed.
    WrongSignature,
    /// It is older than the system demands.
    Older {
        /// The list's number.
        number: u64,
        /// The least number that is accepted.
        least: u64,
    },
    /// This line, counted from 1, says nothing that a list can say.
    Line(usize),
}

impl Blocklist {
    /// Reads a list that `key` signed and whose number is `least` at least.
    ///
    /// # Errors
    ///
    /// The first reason why it is none. Nothing of a list is used before its signature is known to be right.
    pub fn read(text: &[u8], key: &[u8; 32], least: u64) -> Result<Self, BlocklistError> {
        if text.len() > LIST_BYTES_MAX {
            return Err(BlocklistError::TooLong);
        }
        let (signed, signature) = split_signature(text).ok_or(BlocklistError::NoSignature)?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| BlocklistError::BadKey)?;
        key.verify_strict(signed, &Signature::from_bytes(&signature))
            .map_err(|_| BlocklistError::WrongSignature)?;
        let list = Self::parse(signed)?;
        if list.number < least {
            return Err(BlocklistError::Older {
                number: list.number,
                least,
            });
        }
        Ok(list)
    }

    fn parse(signed: &[u8]) -> Result<Self, BlocklistError> {
        let mut list = Self::with_room_for(signed);
        let mut numbered = false;
        for (index, line) in signed.split(|byte| *byte == b'\n').enumerate() {
            let wrong = BlocklistError::Line(index + 1);
            let line = core::str::from_utf8(line).map_err(|_| wrong)?;
            match (index, line.split_once(' ')) {
                (0, _) if line == FIRST_LINE => {}
                (0, _) => return Err(wrong),
                _ if line.is_empty() || line.starts_with('#') => {}
                (_, Some(("number", number))) if !numbered => {
                    list.number = number.parse().map_err(|_| wrong)?;
                    numbered = true;
                }
                (_, Some(("name", name))) => list.add_name(name).ok_or(wrong)?,
                (_, Some(("address", range))) => {
                    list.addresses.push(addresses(range).ok_or(wrong)?);
                }
                _ => return Err(wrong),
            }
        }
        if !numbered {
            return Err(BlocklistError::Line(2));
        }
        list.sort();
        Ok(list)
    }

    /// An empty list with exactly the room for what the text has: one that grew would take twice as much on its way.
    fn with_room_for(signed: &[u8]) -> Self {
        let lines = || signed.split(|byte| *byte == b'\n');
        let count = |word: &[u8]| lines().filter(|line| line.starts_with(word)).count();
        let names = lines().filter_map(|line| line.strip_prefix(NAME));
        Self {
            number: 0,
            text: Vec::with_capacity(names.map(<[u8]>::len).sum()),
            names: Vec::with_capacity(count(NAME)),
            addresses: Vec::with_capacity(count(ADDRESS)),
        }
    }

    fn add_name(&mut self, name: &str) -> Option<()> {
        let is_label = |label: &str| {
            (1..64).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        };
        (name.len() <= 253 && name.split('.').all(is_label)).then_some(())?;
        let start = u32::try_from(self.text.len()).ok()?;
        self.text.extend_from_slice(name.as_bytes());
        self.names
            .push((start, u32::try_from(self.text.len()).ok()?));
        Some(())
    }

    fn sort(&mut self) {
        let text = &self.text;
        self.names
            .sort_unstable_by(|one, other| name_at(text, *one).cmp(name_at(text, *other)));
        self.addresses.sort_unstable();
        self.addresses.dedup_by(|next, kept| {
            let joins = next.0 <= kept.1;
            if joins {
                kept.1 = kept.1.max(next.1);
            }
            joins
        });
    }

    /// The list's number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many names and how many ranges of addresses it forbids.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.names.len(), self.addresses.len())
    }

    /// Whether the name, in lower case, or one that it lies below is forbidden.
    #[must_use]
    pub fn forbids_name(&self, name: &str) -> bool {
        let is_listed = |name: &str| {
            let compare = |range: &(u32, u32)| name_at(&self.text, *range).cmp(name.as_bytes());
            self.names.binary_search_by(compare).is_ok()
        };
        let mut rest = Some(name);
        while let Some(name) = rest {
            if is_listed(name) {
                return true;
            }
            rest = name.split_once('.').map(|(_, above)| above);
        }
        false
    }

    /// Whether the address is forbidden, or the IPv4 address that packets to it are passed on to.
    #[must_use]
    pub fn forbids_address(&self, address: IpAddr) -> bool {
        let carried = match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => carried_ipv4(address),
        };
        self.lists_address(address) || carried.is_some_and(|address| self.lists_address(address))
    }

    fn lists_address(&self, address: IpAddr) -> bool {
        let address = number_of(address);
        let next = self
            .addresses
            .partition_point(|(first, _)| *first <= address);
        let before = next
            .checked_sub(1)
            .and_then(|index| self.addresses.get(index));
        before.is_some_and(|(_, last)| address <= *last)
    }
}

fn name_at(text: &[u8], (start, end): (u32, u32)) -> &[u8] {
    text.get(start as usize..end as usize).unwrap_or_default()
}

/// What is signed, and the signature of the last line.
fn split_signature(text: &[u8]) -> Option<(&[u8], [u8; 64])> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let at = text
        .len()
        .checked_sub(SIGNATURE_LINE.len() + SIGNATURE_DIGITS)?;
    let (signed, last) = text.split_at_checked(at)?;
    let digits = last.strip_prefix(SIGNATURE_LINE)?;
    signed.ends_with(b"\n").then_some(())?;
    let mut signature = [0; 64];
    for (byte, pair) in signature.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some((signed, signature))
}

/// First and last address of `A.B.C.D/LENGTH`, `A:B::/LENGTH` or a single address. Bits behind the prefix must
/// be 0, so that nobody forbids something else than it looks like.
fn addresses(text: &str) -> Option<(u128, u128)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let (address, bits) = match address.parse::<Ipv4Addr>() {
        Ok(address) => (IpAddr::V4(address), 32u32),
        Err(_) => (IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), 128),
    };
    let free = bits.checked_sub(length.unwrap_or(bits))?;
    let mask = 1u128.checked_shl(free).map_or(u128::MAX, |bit| bit - 1);
    let first = number_of(address);
    (first & mask == 0).then_some((first, first | mask))
}

/// The IPv4 address in one that leads to a translator or a relay: those whose places everybody knows.
fn carried_ipv4(address: Ipv6Addr) -> Option<IpAddr> {
    let (high, low) = match address.segments() {
        // RFC 6052, section 2.1; RFC 8215, with prefixes of 96 bits.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, .., high, low] => (high, low),
        // 6to4 (RFC 3056, section 2).
        [0x2002, high, low, ..] => (high, low),
        // Teredo (RFC 4380, section 4).
        [0x2001, 0, .., high, low] => (!high, !low),
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into())
}

fn number_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl fmt::Display for BlocklistError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the blocklist has more than {LIST_BYTES_MAX} bytes"),
            Self::BadKey => f.write_str("the blocklist's key is no key"),
            Self::NoSignature => f.write_str("the blocklist's last line is no signature"),
            Self::WrongSignature => f.write_str("the blocklist's signature is wrong"),
            Self::Older { number, least } => {
                write!(
                    f,
                    "the blocklist has number {number}, and {least} is the least"
                )
            }
            Self::Line(line) => write!(f, "line {line} of the blocklist says nothing known"),
        }
    }
}

impl core::error::Error for BlocklistError {}
