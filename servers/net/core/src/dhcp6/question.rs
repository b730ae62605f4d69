//! What a client asks (RFC 8415, section 7.3).

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use super::options::{
    ADDRESS, ASSOCIATION, CLIENT_IDENTIFIER, ELAPSED_TIME, LONGEST_SOLICIT, OUR_ASSOCIATION,
    RAPID_COMMIT, REQUEST, SERVER_IDENTIFIER, append,
};

/// What a client asks (section 7.3); the number is what travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Who has an address?
    Solicit = 1,
    /// May I have the address that you offered?
    Request = 3,
    /// May I keep it, you who gave it?
    Renew = 5,
    /// May I keep it, whoever is there?
    Rebind = 6,
    /// Take it back: somebody else has it.
    Decline = 9,
}

/// A question, but for who asks.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What is asked.
    pub kind: Kind,
    /// By this the answer is known.
    pub transaction: [u8; 3],
    /// Hundredths of a second since it was asked first.
    pub elapsed: u16,
    /// The server that is meant, if one is.
    pub server: Option<&'a [u8]>,
    /// The address that it is about.
    pub address: Option<Ipv6Addr>,
}

/// A client's identifier: the type DUID-LL, Ethernet, its address (section 11.4).
#[must_use]
pub fn identifier(mac: [u8; 6]) -> [u8; 10] {
    let [a, b, c, d, e, f] = mac;
    [0, 3, 0, 1, a, b, c, d, e, f]
}

impl Question<'_> {
    /// The message in which the device of that address asks.
    #[must_use]
    pub fn write(&self, mac: [u8; 6]) -> Vec<u8> {
        let [a, b, c] = self.transaction;
        let mut message = [self.kind as u8, a, b, c].to_vec();
        append(&mut message, CLIENT_IDENTIFIER, &identifier(mac));
        if let Some(server) = self.server {
            append(&mut message, SERVER_IDENTIFIER, server);
        }
        if self.kind == Kind::Solicit {
            append(&mut message, RAPID_COMMIT, &[]);
        }
        append(&mut message, ELAPSED_TIME, &self.elapsed.to_be_bytes());
        if self.kind != Kind::Decline {
            append(&mut message, REQUEST, &LONGEST_SOLICIT.to_be_bytes());
        }
        // Times are the server's to say: zeroes.
        let mut association = [&OUR_ASSOCIATION[..], &[0; 8]].concat();
        if let Some(address) = self.address {
            let address = [&address.octets()[..], &[0; 8]].concat();
            append(&mut association, ADDRESS, &address);
        }
        append(&mut message, ASSOCIATION, &association);
        message
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::samples::{MAC, SERVER, option};
    use super::*;

    #[test]
    fn questions_are_what_the_rfc_says() {
        let solicit = Question {
            kind: Kind::Solicit,
            transaction: [1, 2, 3],
            elapsed: 0x102,
            server: None,
            address: None,
        };
        let mut expected = std::vec![1, 1, 2, 3, 0, 1, 0, 10, 0, 3, 0, 1];
        expected.extend(MAC);
        expected.extend([0, 14, 0, 0, 0, 8, 0, 2, 1, 2, 0, 6, 0, 2, 0, 82]);
        expected.extend([0, 3, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(solicit.write(MAC), expected);
        let address = "2001:db8::7".parse().expect("an address");
        let renew = Question {
            kind: Kind::Renew,
            server: Some(&SERVER),
            address: Some(address),
            ..solicit
        };
        let bytes = renew.write(MAC);
        assert_eq!(bytes[18..32], option(SERVER_IDENTIFIER, &SERVER));
        let wanted = [&address.octets()[..], &[0; 8]].concat();
        assert!(bytes.ends_with(&option(ADDRESS, &wanted)));
    }
}
