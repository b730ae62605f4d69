//! A DHCPv6 server (RFC 8415), which does as it is told.

use std::net::{Ipv6Addr, SocketAddr};

use super::{device, host};

pub(crate) const ALL_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
/// The address that it gives at first.
pub(crate) const GIVEN: Ipv6Addr = Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0x77);
/// The machine's link-local address.
pub(crate) const CLIENT: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x5054, 0x00ff, 0xfe12, 0x3456);

/// Questions and answers (section 7.3).
pub(crate) const SOLICIT: u8 = 1;
pub(crate) const ADVERTISE: u8 = 2;
pub(crate) const REQUEST: u8 = 3;
pub(crate) const RENEW: u8 = 5;
pub(crate) const REBIND: u8 = 6;
pub(crate) const REPLY: u8 = 7;
pub(crate) const DECLINE: u8 = 9;

pub(crate) struct Server {
    pub(crate) is_silent: bool,
    /// Whether it promises at once what it is only asked to offer.
    pub(crate) is_rapid: bool,
    pub(crate) address: Ipv6Addr,
    /// Seconds: T1, T2, preferred and valid lifetime.
    pub(crate) times: [u32; 4],
    /// Of its promises.
    pub(crate) status: u16,
    pub(crate) identifier: Vec<u8>,
    /// More that it says.
    pub(crate) options: Vec<u8>,
    /// The last question.
    pub(crate) question: Vec<u8>,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self {
            is_silent: false,
            is_rapid: false,
            address: GIVEN,
            times: [500, 800, 900, 1000],
            status: 0,
            identifier: vec![0, 2, 0, 0, 0, 9, 1, 2, 3],
            options: Vec::new(),
            question: Vec::new(),
        }
    }

    /// What it answers, as frames.
    pub(crate) fn answer(&mut self, question: &[u8]) -> Vec<Vec<u8>> {
        let options = options(&question[4..]);
        let find = |number| options.iter().find(|option| option.0 == number);
        let client = [&[0, 3, 0, 1][..], &device::MAC].concat();
        assert_eq!(find(1).expect("it says who it is").1, client);
        assert!(find(8).is_some(), "it says how long it asks already");
        let wants = find(6).map(|option| &option.1[..]);
        assert_eq!(wants, (question[0] != DECLINE).then_some(&[0, 82][..]));
        assert_eq!(find(3).expect("it wants an address").1[..4], [0, 0, 0, 1]);
        let is_to_us = find(2).is_none_or(|server| server.1 == self.identifier);
        let means_one = matches!(question[0], REQUEST | RENEW | DECLINE);
        assert_eq!(means_one, find(2).is_some());
        self.question = question.to_vec();
        if self.is_silent || !is_to_us {
            return Vec::new();
        }
        let may_be_rapid = find(14).is_some();
        assert_eq!(may_be_rapid, question[0] == SOLICIT);
        let kind = match question[0] {
            SOLICIT if !self.is_rapid => ADVERTISE,
            SOLICIT | REQUEST | RENEW | REBIND | DECLINE => REPLY,
            other => panic!("nobody should send {other}"),
        };
        vec![frame(&self.message(kind))]
    }

    /// An answer to the last question.
    pub(crate) fn message(&self, kind: u8) -> Vec<u8> {
        let [renew, rebind, preferred, valid] = self.times.map(u32::to_be_bytes);
        let given = [&self.address.octets()[..], &preferred, &valid].concat();
        let inside = if self.status == 0 || kind == ADVERTISE {
            option(5, &given)
        } else {
            option(13, &self.status.to_be_bytes())
        };
        let association = [&[0, 0, 0, 1][..], &renew, &rebind, &inside].concat();
        let mut message = vec![kind];
        message.extend(self.question.get(1..4).unwrap_or(&[0; 3]));
        message.extend(option(1, &[&[0, 3, 0, 1][..], &device::MAC].concat()));
        message.extend(option(2, &self.identifier));
        if self.is_rapid && self.question.first() == Some(&SOLICIT) {
            message.extend(option(14, &[]));
        }
        message.extend(option(3, &association));
        message.extend(&self.options);
        message
    }
}

/// A message of a server's on the wire.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let from = SocketAddr::from((host::LINK_LOCAL, 547));
    host::udp_frame(from, (CLIENT, 546).into(), message)
}

pub(crate) fn option(number: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("short");
    [&number.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
}

fn options(mut bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut options = Vec::new();
    while let Some(([n0, n1, l0, l1], rest)) = bytes.split_first_chunk() {
        let (value, rest) = rest.split_at(usize::from(u16::from_be_bytes([*l0, *l1])));
        options.push((u16::from_be_bytes([*n0, *n1]), value.to_vec()));
        bytes = rest;
    }
    assert_eq!(bytes, [], "nothing behind the options");
    options
}
