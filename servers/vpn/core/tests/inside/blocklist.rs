//! The administrator's list: who may write it, and what it does.

use core::net::{IpAddr, Ipv6Addr};

use ed25519_dalek::{Signer, SigningKey};
use smoltcp::wire::TcpControl;
use vpn_core::inside::{
    Blocklist, BlocklistError, Configuration, Event, Inside, Refusal, SERVICE_ADDRESS,
};

use crate::guest::{
    CHOSEN_6, OWN, OWN_6, REMOTE, RESOLVER, RESOLVER_6, assert_right, at, configuration, receive,
    said, send, tcp, udp,
};
use crate::names::query;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

fn signed(text: &str) -> Vec<u8> {
    let signature = key().sign(text.as_bytes()).to_bytes();
    let digits: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{text}signature {digits}\n").into_bytes()
}

fn read(text: &[u8], least: u64) -> Result<Blocklist, BlocklistError> {
    Blocklist::read(text, key().verifying_key().as_bytes(), least)
}

const LIST: &str = "sekisho-blocklist 1\nnumber 7\n# bad ones\n\nname ads.example\nname bad.test\n\
    address 198.51.100.0/24\naddress 198.51.100.7\naddress 2001:db8:bad::/48\n";

fn inside() -> Inside {
    let configuration = Configuration {
        blocklist: Some(read(&signed(LIST), 7).expect("it is right")),
        ..configuration()
    };
    Inside::new(configuration, [7; 32], at(0))
}

#[test]
fn a_list_forbids_what_it_names_and_what_lies_below() {
    let list = read(&signed(LIST), 0).expect("it is right");
    assert_eq!((list.number(), list.counts()), (7, (2, 2)));
    for (name, forbidden) in [
        ("ads.example", true),
        ("www.ads.example", true),
        ("a.b.bad.test", true),
        ("badads.example", false),
        ("example", false),
        ("ads.example.org", false),
        ("", false),
    ] {
        assert_eq!(list.forbids_name(name), forbidden, "{name}");
    }
    for (address, forbidden) in [
        ("198.51.100.0", true),
        ("198.51.100.255", true),
        ("198.51.101.0", false),
        ("198.51.99.255", false),
        ("2001:db8:bad:ffff::1", true),
        ("2001:db8:bae::", false),
        ("::198.51.100.1", false),
        // By a translator (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo (RFC 4380).
        ("64:ff9b::198.51.100.1", true),
        ("64:ff9b:1:2:3:4:198.51.100.1", true),
        ("2002:c633:6401::1", true),
        ("2001:0:1:2:3:4:39cc:9bfe", true),
        ("64:ff9b::198.51.101.1", false),
        ("64:ff9c::198.51.100.1", false),
        ("2002:c633:6501::1", false),
        ("2001:1:1:2:3:4:39cc:9bfe", false),
    ] {
        let address: IpAddr = address.parse().expect("it is one");
        assert_eq!(list.forbids_address(address), forbidden, "{address}");
    }
}

#[test]
fn only_the_administrators_latest_list_counts() {
    let good = signed(LIST);
    assert!(read(&good, 7).is_ok());
    assert_eq!(
        read(&good, 8).expect_err("old"),
        BlocklistError::Older {
            number: 7,
            least: 8
        }
    );
    for at in 0..LIST.len() - 1 {
        let mut changed = good.clone();
        changed[at] ^= 1;
        assert_eq!(
            read(&changed, 0).expect_err("changed"),
            BlocklistError::WrongSignature
        );
    }
    let another = SigningKey::from_bytes(&[43; 32]);
    let result = Blocklist::read(&good, another.verifying_key().as_bytes(), 0);
    assert_eq!(
        result.expect_err("another key"),
        BlocklistError::WrongSignature
    );
    for end in 0..good.len() - 1 {
        assert_eq!(
            read(&good[..end], 0).expect_err("cut"),
            BlocklistError::NoSignature
        );
    }
}

#[test]
fn a_list_says_only_what_lists_say() {
    for (text, line) in [
        ("sekisho-blocklist 2\nnumber 1\n", 1),
        ("sekisho-blocklist 1\n", 2),
        ("sekisho-blocklist 1\nnumber x\n", 2),
        ("sekisho-blocklist 1\nnumber 1\nnumber 2\n", 3),
        ("sekisho-blocklist 1\nnumber 1\nname A.test\n", 3),
        ("sekisho-blocklist 1\nnumber 1\nname a..test\n", 3),
        ("sekisho-blocklist 1\nnumber 1\nname \n", 3),
        ("sekisho-blocklist 1\nnumber 1\naddress 10.0.0.1/8\n", 3),
        ("sekisho-blocklist 1\nnumber 1\naddress 10.0.0.0/33\n", 3),
        ("sekisho-blocklist 1\nnumber 1\naddress fe80::/129\n", 3),
        ("sekisho-blocklist 1\nnumber 1\naddress ten\n", 3),
        ("sekisho-blocklist 1\nnumber 1\nallow a.test\n", 3),
    ] {
        assert_eq!(
            read(&signed(text), 0).expect_err(text),
            BlocklistError::Line(line),
            "{text}"
        );
    }
    let all =
        read(&signed("sekisho-blocklist 1\nnumber 1\naddress ::/0\n"), 0).expect("it is right");
    assert!(all.forbids_address(OWN.into()));
}

#[test]
fn a_forbidden_name_does_not_exist() {
    let mut inside = inside();
    let asked = query(0x77, "WWW.Ads.Example");
    let packet = udp(OWN, SERVICE_ADDRESS, (4000, 53), &asked);
    assert_eq!(send(&mut inside, &packet, at(1)), Err(Refusal::Blocked));
    assert_eq!(inside.next_packet(), None, "nobody is asked");
    let answer = said(&mut inside).expect("the guest is told");
    let (_, _, bytes) = assert_right(&answer);
    assert_eq!(bytes[8..10], [0, 0x77]);
    assert_eq!(bytes[11] & 15, 3);
    let event = inside.next_event().expect("the console is told");
    assert_eq!(event, Event::BlockedName("www.ads.example".into()));
    assert_eq!(
        event.to_string(),
        "the blocklist forbids the name www.ads.example"
    );
}

#[test]
fn a_forbidden_name_hides_behind_no_other() {
    let mut inside = inside();
    let packet = udp(OWN, SERVICE_ADDRESS, (4000, 53), &query(1, "good.test"));
    send(&mut inside, &packet, at(1)).expect("it is taken");
    let sent = inside.next_packet().expect("it is asked");
    let (_, _, bytes) = assert_right(&sent);
    let mut answer = bytes[8..].to_vec();
    let port = u16::from_be_bytes([bytes[0], bytes[1]]);
    answer[2] |= 0x80;
    answer[7] = 1;
    answer.extend([
        0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 6, 3, b'b', b'a', b'd', 0xc0, 17,
    ]);
    let told = udp(RESOLVER, OWN, (53, port), &answer);
    assert_eq!(receive(&mut inside, &told, at(1)), Ok(vec![]));
    let answer = said(&mut inside).expect("the guest is told");
    assert_eq!(assert_right(&answer).2[11] & 15, 3);
    assert_eq!(
        inside.next_event(),
        Some(Event::BlockedName("bad.test".into()))
    );
}

/// A record of that kind and class, of the name that was asked for.
fn record(kind: u8, class: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).expect("it is short");
    let head = [0xc0, 12, 0, kind, 0, class, 0, 0, 0, 60, 0, length];
    [&head[..], data].concat()
}

/// The code of what the guest is told when a resolver answers with these records, and whether a name was blocked.
fn told(records: &[Vec<u8>]) -> (u8, bool) {
    let mut inside = inside();
    let packet = udp(OWN, SERVICE_ADDRESS, (4000, 53), &query(1, "good.test"));
    send(&mut inside, &packet, at(1)).expect("it is taken");
    let sent = inside.next_packet().expect("it is asked");
    let (_, _, bytes) = assert_right(&sent);
    let mut answer = bytes[8..].to_vec();
    let port = u16::from_be_bytes([bytes[0], bytes[1]]);
    answer[2] |= 0x80;
    answer[7] = u8::try_from(records.len()).expect("they are few");
    answer.extend(records.concat());
    let packet = udp(RESOLVER, OWN, (53, port), &answer);
    assert_eq!(receive(&mut inside, &packet, at(1)), Ok(vec![]));
    let answer = said(&mut inside).expect("the guest is told");
    let code = assert_right(&answer).2[11] & 15;
    (code, inside.next_event().is_some())
}

/// `bad.test`, whose end is that of the name that was asked for.
const BAD: [u8; 6] = [3, b'b', b'a', b'd', 0xc0, 17];
const CNAME: u8 = 5;

#[test]
fn a_forbidden_name_hides_behind_no_other_record() {
    let address = record(1, 1, &[192, 0, 2, 1]);
    let alias = record(CNAME, 1, &BAD);
    let bad = [3, b'b', b'a', b'd', 4, b't', b'e', b's', b't', 0];
    let service = |kind, priority, target: &[u8]| {
        let data = [&[0, priority][..], target].concat();
        record(kind, 1, &data)
    };
    let blocked = (3, true);
    // Behind many, behind one of another class, behind one that no address fits.
    let mut many = vec![address.clone(); 70];
    many.push(alias.clone());
    assert_eq!(told(&many), blocked);
    assert_eq!(
        told(&[record(1, 3, &[192, 0, 2, 1]), alias.clone()]),
        blocked
    );
    assert_eq!(told(&[record(1, 1, &[192, 0, 2, 1, 9]), alias]), blocked);
    // For all names below (RFC 6672); as a service, by another name or with its own (RFC 9460).
    assert_eq!(told(&[record(39, 1, &bad)]), blocked);
    for kind in [64, 65] {
        assert_eq!(told(&[service(kind, 0, &bad)]), blocked);
        assert_eq!(told(&[service(kind, 1, &bad)]), blocked);
        assert_eq!(
            told(&[service(kind, 1, &[0, 0, 1, 0, 3, 2, b'h', b'2'])]),
            (0, false)
        );
    }
    assert_eq!(told(&[address]), (0, false));
}

#[test]
fn an_answer_that_cannot_be_read_is_not_told() {
    let failed = (2, false);
    for alias in [
        // To itself, forwards, without an end, too long, nothing, with bytes behind it.
        &[0xc0, 39][..],
        &[0xc0, 200],
        &[3, b'b'],
        &[&[63; 64][..], &[63; 64], &[63; 64], &[63; 64], &[0]].concat()[..200],
        &[],
        &[0x80, 0],
    ] {
        assert_eq!(told(&[record(CNAME, 1, alias)]), failed, "{alias:02x?}");
    }
    assert_eq!(told(&[record(65, 1, &[0])]), failed);
    // Fewer records than it says.
    assert_eq!(told(&[record(1, 1, &[192, 0, 2, 1]), vec![]]), failed);
}

#[test]
fn a_forbidden_name_is_found_in_streams() {
    let mut inside = inside();
    let asked = query(1, "bad.test");
    let mut stream = vec![0, u8::try_from(asked.len()).expect("it is short")];
    stream.extend(asked);
    let segment = tcp(OWN, SERVICE_ADDRESS, (4000, 53), TcpControl::Psh, &stream);
    assert_eq!(send(&mut inside, &segment, at(1)), Err(Refusal::Blocked));
    assert_eq!(
        inside.next_event(),
        Some(Event::BlockedName("bad.test".into()))
    );
}

#[test]
fn a_forbidden_address_is_out_of_reach() {
    let mut inside = inside();
    let packet = udp(OWN, REMOTE, (4000, 9), b"x");
    assert_eq!(send(&mut inside, &packet, at(1)), Err(Refusal::Blocked));
    let error = said(&mut inside).expect("the guest is told");
    assert_eq!(assert_right(&error).2[..2], [3, 13]);
    assert_eq!(
        inside.next_event(),
        Some(Event::BlockedAddress(REMOTE.into()))
    );
    let inbound = udp(REMOTE, OWN, (9, 5000), b"x");
    assert_eq!(receive(&mut inside, &inbound, at(1)), Err(Refusal::Blocked));
}

#[test]
fn a_forbidden_address_of_ipv6_is_out_of_reach() {
    let mut inside = inside();
    let forbidden = Ipv6Addr::new(0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 7);
    let packet = udp(CHOSEN_6, forbidden, (4000, 9), b"x");
    assert_eq!(send(&mut inside, &packet, at(1)), Err(Refusal::Blocked));
    let error = said(&mut inside).expect("the guest is told");
    assert_eq!(assert_right(&error).2[..2], [1, 1]);
    assert_eq!(
        inside.next_event(),
        Some(Event::BlockedAddress(forbidden.into()))
    );
    let inbound = udp(forbidden, OWN_6, (9, 5000), b"x");
    assert_eq!(receive(&mut inside, &inbound, at(1)), Err(Refusal::Blocked));
}

#[test]
fn with_a_list_of_names_nobody_else_is_asked_for_any() {
    let asked = query(1, "good.example");
    let mut inside = inside();
    let stream =
        |source: IpAddr, resolver: IpAddr| tcp(source, resolver, (4001, 53), TcpControl::Syn, b"");
    for packet in [
        udp(OWN, RESOLVER, (4000, 53), &asked),
        udp(CHOSEN_6, RESOLVER_6, (4000, 53), &asked),
        stream(OWN.into(), RESOLVER.into()),
        stream(CHOSEN_6.into(), RESOLVER_6.into()),
    ] {
        assert_eq!(send(&mut inside, &packet, at(1)), Err(Refusal::Blocked));
    }
    let mut free = crate::guest::inside();
    let packet = udp(CHOSEN_6, RESOLVER_6, (4000, 53), &asked);
    assert!(send(&mut free, &packet, at(1)).is_ok(), "without one");
}
