//! What a server answers (RFC 8415, sections 7.3 and 21).
//!
//! The formats are few and our own code reads them: the crates that know DHCPv6 need the standard library.

use core::net::Ipv6Addr;

use super::options::{
    ADDRESS, ASSOCIATION, CLIENT_IDENTIFIER, LONGEST_SOLICIT, Malformed, OUR_ASSOCIATION, Options,
    PREFERENCE, RAPID_COMMIT, SERVER_IDENTIFIER, STATUS,
};
use crate::addresses::is_one_host;

/// Bytes before an association's options, and before an address's.
const ASSOCIATION_HEADER: usize = 12;
const ADDRESS_HEADER: usize = 24;
/// Bytes of an identifier (section 11.1).
const IDENTIFIER_LENGTHS: core::ops::RangeInclusive<usize> = 3..=130;
/// What may be said about the longest pause between questions, in seconds (section 21.24).
const LONGEST_SOLICITS: core::ops::RangeInclusive<u32> = 60..=86400;

/// What kind of answer it is (section 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// An offer.
    Advertise,
    /// A promise.
    Reply,
}

/// How the server fared (section 21.13); the number is what travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    /// Well.
    pub const SUCCESS: Self = Self(0);
    /// It has no addresses left.
    pub const NO_ADDRESSES: Self = Self(2);
    /// It knows nothing of that address.
    pub const NO_BINDING: Self = Self(3);
    /// The address is not of this link.
    pub const NOT_ON_LINK: Self = Self(4);
}

/// A server's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// Offer or promise.
    pub kind: AnswerKind,
    /// The question's.
    pub transaction: [u8; 3],
    /// Who asked, allegedly.
    pub client: &'a [u8],
    /// Who answers, 3 to 130 bytes.
    pub server: &'a [u8],
    /// Whether the promise answers a [`Solicit`](super::question::Kind::Solicit).
    pub is_rapid: bool,
    /// How much the server wants to be chosen; 255 is at once.
    pub preference: u8,
    /// The first that is no success, of the message or of our association.
    pub status: Status,
    /// Seconds of the longest pause between two [`Solicit`](super::question::Kind::Solicit), if the server has a say in it.
    pub longest_solicit: Option<u32>,
    /// What is offered or promised, if it is legal.
    pub grant: Option<Grant>,
}

/// An address for some time. Times are in seconds, `u32::MAX` is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// One that a host can have, and not of the link alone.
    pub address: Ipv6Addr,
    /// For how long it may be used for what is new, at most `valid`.
    pub preferred: u32,
    /// For how long it may be used; 0 takes it away.
    pub valid: u32,
    /// When the server is to be asked to prolong it (T1), 0 if the client is to choose. Not more than `rebind`, but for that.
    pub renew: u32,
    /// When anybody is to be asked (T2).
    pub rebind: u32,
}

impl<'a> Answer<'a> {
    /// Reads a message of a server's. Options that a client needs not know are passed over.
    ///
    /// # Errors
    ///
    /// It is none (sections 16.3 and 16.10), ends within an option, or has one twice.
    pub fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        let ([kind, a, b, c], options) = message.split_first_chunk().ok_or(Malformed)?;
        let kind = match kind {
            2 => AnswerKind::Advertise,
            7 => AnswerKind::Reply,
            _ => return Err(Malformed),
        };
        let found = Found::among(options)?;
        let association = found.association.map(Association::parse).transpose()?;
        let of_message = found.status.map_or(Ok(Status::SUCCESS), status)?;
        let of_association = association.map_or(Status::SUCCESS, |found| found.status);
        Ok(Self {
            kind,
            transaction: [*a, *b, *c],
            client: found.client.ok_or(Malformed)?,
            server: found.server.filter(is_identifier).ok_or(Malformed)?,
            is_rapid: found.rapid_commit.is_some(),
            preference: match found.preference {
                None => 0,
                Some([preference]) => *preference,
                Some(_) => return Err(Malformed),
            },
            status: if of_message == Status::SUCCESS {
                of_association
            } else {
                of_message
            },
            longest_solicit: match found.longest_solicit {
                None => None,
                Some(value) => {
                    Some(number(value, 0)?).filter(|time| LONGEST_SOLICITS.contains(time))
                }
            },
            grant: association.and_then(|association| association.grant),
        })
    }
}

fn is_identifier(bytes: &&[u8]) -> bool {
    IDENTIFIER_LENGTHS.contains(&bytes.len())
}

/// The options that matter, where they are.
#[derive(Default)]
struct Found<'a> {
    client: Option<&'a [u8]>,
    server: Option<&'a [u8]>,
    association: Option<&'a [u8]>,
    preference: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
    rapid_commit: Option<&'a [u8]>,
    longest_solicit: Option<&'a [u8]>,
}

impl<'a> Found<'a> {
    fn among(options: &'a [u8]) -> Result<Self, Malformed> {
        let mut found = Self::default();
        for option in Options(options) {
            let (number, value) = option?;
            let place = match number {
                CLIENT_IDENTIFIER => &mut found.client,
                SERVER_IDENTIFIER => &mut found.server,
                // Others' associations are none of our business.
                ASSOCIATION if value.starts_with(&OUR_ASSOCIATION) => &mut found.association,
                PREFERENCE => &mut found.preference,
                STATUS => &mut found.status,
                RAPID_COMMIT => &mut found.rapid_commit,
                LONGEST_SOLICIT => &mut found.longest_solicit,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(Malformed);
            }
        }
        Ok(found)
    }
}

/// What a server says of our association (section 21.4).
#[derive(Clone, Copy)]
struct Association {
    status: Status,
    grant: Option<Grant>,
}

impl Association {
    fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (renew, rebind) = (number(bytes, 4)?, number(bytes, 8)?);
        let options = bytes.get(ASSOCIATION_HEADER..).ok_or(Malformed)?;
        let mut association = Self {
            status: Status::SUCCESS,
            grant: None,
        };
        for option in Options(options) {
            match option? {
                (STATUS, value) => association.status = status(value)?,
                (ADDRESS, value) => {
                    let grant = Grant::parse(value, renew, rebind)?;
                    // The first that can be used; a server that takes one away may give another.
                    let has_one = association.grant.is_some_and(|grant| grant.valid > 0);
                    association.grant = if has_one {
                        association.grant
                    } else {
                        grant.or(association.grant)
                    };
                }
                _ => {}
            }
        }
        // Such an association is to be passed over (section 21.4).
        if rebind > 0 && renew > rebind {
            association.grant = None;
        }
        Ok(association)
    }
}

impl Grant {
    /// The address, if it can be used (section 21.6).
    fn parse(bytes: &[u8], renew: u32, rebind: u32) -> Result<Option<Self>, Malformed> {
        let address = bytes.first_chunk::<16>().ok_or(Malformed)?;
        let grant = Self {
            address: Ipv6Addr::from(*address),
            preferred: number(bytes, 16)?,
            valid: number(bytes, 20)?,
            renew,
            rebind,
        };
        let options = bytes.get(ADDRESS_HEADER..).ok_or(Malformed)?;
        let mut of_address = Status::SUCCESS;
        for option in Options(options) {
            if let (STATUS, value) = option? {
                of_address = status(value)?;
            }
        }
        let is_legal = of_address == Status::SUCCESS
            && grant.preferred <= grant.valid
            && is_one_host(grant.address.into())
            && !grant.address.is_unicast_link_local();
        Ok(is_legal.then_some(grant))
    }
}

fn status(value: &[u8]) -> Result<Status, Malformed> {
    let code = value.first_chunk().ok_or(Malformed)?;
    Ok(Status(u16::from_be_bytes(*code)))
}

fn number(bytes: &[u8], at: usize) -> Result<u32, Malformed> {
    let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk());
    bytes
        .map(|bytes| u32::from_be_bytes(*bytes))
        .ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::super::options::samples::{MAC, SERVER, option};
    use super::super::question::identifier;
    use super::*;

    fn address(text: &str, times: [u32; 2]) -> Vec<u8> {
        let address: Ipv6Addr = text.parse().expect("an address");
        let times = times.map(u32::to_be_bytes).concat();
        option(ADDRESS, &[&address.octets()[..], &times].concat())
    }

    fn association(times: [u32; 2], options: &[u8]) -> Vec<u8> {
        let times = times.map(u32::to_be_bytes).concat();
        option(
            ASSOCIATION,
            &[&OUR_ASSOCIATION[..], &times, options].concat(),
        )
    }

    fn reply(options: &[&[u8]]) -> Vec<u8> {
        let ends = [
            option(CLIENT_IDENTIFIER, &identifier(MAC)),
            option(SERVER_IDENTIFIER, &SERVER),
        ];
        [&[7, 1, 2, 3][..], &ends.concat(), &options.concat()].concat()
    }

    fn grant(message: &[u8]) -> Option<Grant> {
        Answer::parse(message).expect("whole").grant
    }

    #[test]
    fn answers_are_read() {
        let message = reply(&[
            &option(RAPID_COMMIT, &[]),
            &option(PREFERENCE, &[255]),
            &option(LONGEST_SOLICIT, &60u32.to_be_bytes()),
            // Unknown, and another association.
            &option(23, &[7; 16]),
            &option(ASSOCIATION, &[9; 12]),
            &association([100, 200], &address("2001:db8::7", [300, 400])),
        ]);
        let answer = Answer::parse(&message).expect("whole");
        assert_eq!(
            (answer.kind, answer.transaction),
            (AnswerKind::Reply, [1, 2, 3])
        );
        assert_eq!(
            (answer.client, answer.server),
            (&identifier(MAC)[..], &SERVER[..])
        );
        assert!(answer.is_rapid);
        assert_eq!((answer.preference, answer.status), (255, Status::SUCCESS));
        assert_eq!(answer.longest_solicit, Some(60));
        let expected = Grant {
            address: "2001:db8::7".parse().expect("an address"),
            preferred: 300,
            valid: 400,
            renew: 100,
            rebind: 200,
        };
        assert_eq!(answer.grant, Some(expected));
    }

    #[test]
    fn every_cut_and_every_second_option_is_refused() {
        let parts = [
            option(STATUS, &[0, 0]),
            association([100, 200], &address("2001:db8::7", [300, 400])),
        ];
        let message = reply(&[&parts[0], &parts[1]]);
        assert!(Answer::parse(&message).is_ok());
        let borders = [32, message.len() - parts[1].len()];
        for length in (0..message.len()).filter(|length| !borders.contains(length)) {
            assert_eq!(
                Answer::parse(&message[..length]),
                Err(Malformed),
                "{length}"
            );
        }
        for part in &parts {
            assert_eq!(Answer::parse(&reply(&[part, part])), Err(Malformed));
        }
        // Lengths of what is inside that say more than there is.
        let inside = message.len() - 28 + 3;
        let mut longer = message.clone();
        longer[inside] += 1;
        assert_eq!(Answer::parse(&longer), Err(Malformed));
        // Neither offers nor promises.
        for kind in [0, 1, 3, 10, 13] {
            let mut other = message.clone();
            other[0] = kind;
            assert_eq!(Answer::parse(&other), Err(Malformed));
        }
    }

    #[test]
    fn what_cannot_be_granted_is_none() {
        let good = address("2001:db8::7", [300, 400]);
        assert!(grant(&reply(&[&association([100, 200], &good)])).is_some());
        assert!(grant(&reply(&[&association([100, 0], &good)])).is_some());
        assert_eq!(grant(&reply(&[&association([201, 200], &good)])), None);
        assert_eq!(grant(&reply(&[])), None);
        for (text, times) in [
            ("2001:db8::7", [401, 400]),
            ("fe80::7", [300, 400]),
            ("ff02::7", [300, 400]),
            ("::7", [300, 400]),
            ("::ffff:192.0.2.1", [300, 400]),
        ] {
            let bad = address(text, times);
            assert_eq!(grant(&reply(&[&association([0, 0], &bad)])), None, "{text}");
        }
        // One that is taken away, and another instead, in any order.
        let ended = address("2001:db8::6", [0, 0]);
        for both in [[&ended[..], &good].concat(), [&good[..], &ended].concat()] {
            let given = grant(&reply(&[&association([0, 0], &both)]));
            assert_eq!(given.map(|grant| grant.valid), Some(400));
        }
        let refused = association([0, 0], &option(STATUS, &[0, 2, b'n', b'o']));
        let message = reply(&[&refused]);
        let answer = Answer::parse(&message).expect("whole");
        assert_eq!((answer.status, answer.grant), (Status::NO_ADDRESSES, None));
    }
}
