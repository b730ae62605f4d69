//! Names: through the tunnel, from one resolver or the next, with nothing that a stranger can foresee.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::HashSet;

use smoltcp::wire::TcpControl;
use vpn_core::inside::{Event, Inside, Refusal, SERVICE_ADDRESS, SERVICE_ADDRESS_6};

use crate::guest::{
    CHOSEN_6, OWN, OWN_6, REMOTE, RESOLVER, RESOLVER_6, assert_right, at, inside, receive, said,
    send, tcp, udp,
};

/// A query for the address of `name`.
pub(crate) fn query(id: u16, name: &str) -> Vec<u8> {
    let mut message = Vec::from(id.to_be_bytes());
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        message.push(label.len().try_into().expect("labels are short"));
        message.extend(label.bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// The answer to a query, with one address.
fn answer(query: &[u8], code: u8) -> Vec<u8> {
    let mut answer = query.to_vec();
    answer[2] |= 0x80;
    answer[3] = 0x80 | code;
    answer[7] = 1;
    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 51, 100, 7]);
    answer
}

/// Ports and payload of a UDP packet.
fn datagram(packet: &[u8]) -> ((IpAddr, u16), (IpAddr, u16), Vec<u8>) {
    let (source, destination, bytes) = assert_right(packet);
    let port = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    (
        (source, port(0)),
        (destination, port(2)),
        bytes[8..].to_vec(),
    )
}

fn next_query(inside: &mut Inside) -> ((IpAddr, u16), (IpAddr, u16), Vec<u8>) {
    datagram(&inside.next_packet().expect("a query leaves"))
}

#[test]
fn a_name_is_asked_for_and_told() {
    let mut inside = inside();
    for (guest, service) in [
        (IpAddr::from(OWN), IpAddr::from(SERVICE_ADDRESS)),
        (CHOSEN_6.into(), SERVICE_ADDRESS_6.into()),
    ] {
        let asked = query(0x1234, "peer.test");
        assert_eq!(
            send(&mut inside, &udp(guest, service, (4000, 53), &asked), at(1)),
            Ok(vec![])
        );
        let (from, to, sent) = next_query(&mut inside);
        assert_eq!((from.0, to), (OWN.into(), (RESOLVER.into(), 53)));
        assert_eq!(sent[2..], asked[2..]);
        let told = udp(RESOLVER, OWN, (53, from.1), &answer(&sent, 0));
        assert_eq!(receive(&mut inside, &told, at(1)), Ok(vec![]));
        let (from, to, payload) = datagram(&said(&mut inside).expect("the guest is told"));
        assert_eq!((from, to), ((service, 53), (guest, 4000)));
        assert_eq!(payload, answer(&asked, 0));
        // It was answered once.
        assert_eq!(receive(&mut inside, &told, at(1)), Err(Refusal::Uninvited));
    }
}

#[test]
fn numbers_and_ports_cannot_be_foreseen() {
    let mut inside = inside();
    let mut seen = HashSet::new();
    for id in 0..64 {
        let packet = udp(OWN, SERVICE_ADDRESS, (4000, 53), &query(id, "a.test"));
        send(&mut inside, &packet, at(1)).expect("it is taken");
        let (from, _, sent) = next_query(&mut inside);
        assert!(from.1 >= 61000);
        seen.insert((from.1, sent[0], sent[1]));
    }
    assert_eq!(seen.len(), 64);
    let packet = udp(OWN, SERVICE_ADDRESS, (4000, 53), &query(99, "a.test"));
    assert_eq!(send(&mut inside, &packet, at(1)), Err(Refusal::Full));
}

#[test]
fn answers_to_other_questions_are_refused() {
    let mut inside = inside();
    let packet = udp(OWN, SERVICE_ADDRESS, (4000, 53), &query(1, "a.test"));
    send(&mut inside, &packet, at(100)).expect("it is taken");
    let (from, _, sent) = next_query(&mut inside);
    let right = answer(&sent, 0);
    let mut number = right.clone();
    number[0] ^= 1;
    let mut name = right.clone();
    name[13] = b'b';
    let mut no_answer = right.clone();
    no_answer[2] &= 0x7f;
    for (source, port, payload) in [
        (RESOLVER, from.1, number),
        (RESOLVER, from.1, name),
        (RESOLVER, from.1, no_answer),
        (RESOLVER, from.1 ^ 1, right.clone()),
        (REMOTE, from.1, right.clone()),
        (RESOLVER, from.1, right[..14].to_vec()),
    ] {
        let forged = udp(source, OWN, (53, port), &payload);
        assert_eq!(
            receive(&mut inside, &forged, at(100)),
            Err(Refusal::Uninvited)
        );
    }
    let told = udp(RESOLVER, OWN, (53, from.1), &right);
    assert_eq!(receive(&mut inside, &told, at(100)), Ok(vec![]));
}

#[test]
fn the_next_resolver_is_asked() {
    let mut inside = inside();
    let asked = query(1, "a.test");
    let packet = udp(OWN, SERVICE_ADDRESS, (4000, 53), &asked);
    send(&mut inside, &packet, at(1)).expect("it is taken");
    assert_eq!(next_query(&mut inside).1, (RESOLVER.into(), 53));
    // The guest asks again; that changes nothing.
    send(&mut inside, &packet, at(1)).expect("it is taken");
    assert_eq!(inside.next_packet(), None);
    inside.on_deadline(at(1) + Duration::from_millis(1600));
    let (from, to, sent) = next_query(&mut inside);
    assert_eq!((from.0, to), (OWN_6.into(), (RESOLVER_6.into(), 53)));
    let told = udp(RESOLVER_6, OWN_6, (53, from.1), &answer(&sent, 0));
    assert_eq!(receive(&mut inside, &told, at(3)), Ok(vec![]));
    while said(&mut inside).is_some_and(|packet| packet[0] >> 4 == 6) {}
    // The one that answered is asked first from now on.
    let packet = udp(OWN, SERVICE_ADDRESS, (4000, 53), &query(2, "a.test"));
    send(&mut inside, &packet, at(3)).expect("it is taken");
    let (from, to, sent) = next_query(&mut inside);
    assert_eq!(to, (RESOLVER_6.into(), 53));
    // One that cannot help is not the last.
    let told = udp(RESOLVER_6, OWN_6, (53, from.1), &answer(&sent, 2));
    assert_eq!(receive(&mut inside, &told, at(3)), Ok(vec![]));
    assert_eq!(next_query(&mut inside).1, (RESOLVER.into(), 53));
}

#[test]
fn silence_has_an_end() {
    let mut inside = inside();
    let asked = query(0xabcd, "a.test");
    let packet = udp(OWN, SERVICE_ADDRESS, (4000, 53), &asked);
    send(&mut inside, &packet, at(1)).expect("it is taken");
    let mut queries = 0;
    for seconds in 1..60 {
        inside.on_deadline(at(seconds));
        while inside.next_packet().is_some() {
            queries += 1;
        }
    }
    assert_eq!(queries, 4);
    let failure = std::iter::from_fn(|| said(&mut inside)).find(|packet| packet[0] >> 4 == 4);
    let (_, to, payload) = datagram(&failure.expect("the guest is told"));
    assert_eq!(to, (OWN.into(), 4000));
    assert_eq!(payload[..2], [0xab, 0xcd]);
    assert_eq!(payload[3] & 15, 2);
    assert_eq!(inside.next_event(), Some(Event::ResolversSilent));
}

#[test]
fn names_that_nobody_answers_do_not_keep_others_waiting() {
    let mut inside = inside();
    let ask = |inside: &mut Inside, number: u8, now| {
        let query = query(number.into(), &format!("n{number}.test"));
        let packet = udp(OWN, SERVICE_ADDRESS, (4000, 53), &query);
        send(inside, &packet, now)
    };
    for number in 0..64 {
        assert!(ask(&mut inside, number, at(1)).is_ok());
    }
    // Each has had its first chance, and none is answered.
    assert_eq!(ask(&mut inside, 64, at(1)), Err(Refusal::Full));
    inside.on_deadline(at(3));
    while inside.next_packet().is_some() {}
    for number in 64..80 {
        assert!(ask(&mut inside, number, at(3)).is_ok());
        assert!(inside.next_packet().is_some(), "somebody is asked");
    }
}

#[test]
fn streams_are_passed_on_in_whole_queries() {
    let mut inside = inside();
    let ports = (4000, 53);
    let opening = tcp(OWN, SERVICE_ADDRESS, ports, TcpControl::Syn, b"");
    let sent = send(&mut inside, &opening, at(1)).expect("it passes");
    assert_eq!(assert_right(&sent).1, IpAddr::from(RESOLVER));
    let mut stream = Vec::new();
    for name in ["a.test", "b.test"] {
        let query = query(1, name);
        stream.extend(
            u16::try_from(query.len())
                .expect("it is short")
                .to_be_bytes(),
        );
        stream.extend(query);
    }
    let whole = tcp(OWN, SERVICE_ADDRESS, ports, TcpControl::Psh, &stream);
    let sent = send(&mut inside, &whole, at(1)).expect("it passes");
    assert_eq!(assert_right(&sent).1, IpAddr::from(RESOLVER));
    let back = tcp(RESOLVER, OWN, (53, 4000), TcpControl::None, b"\x00\x01x");
    let received = receive(&mut inside, &back, at(1)).expect("it passes");
    assert_eq!(assert_right(&received).0, IpAddr::from(SERVICE_ADDRESS));
    let cut = tcp(OWN, SERVICE_ADDRESS, ports, TcpControl::Psh, &stream[..9]);
    assert_eq!(send(&mut inside, &cut, at(1)), Err(Refusal::BadName));
    let reset = said(&mut inside).expect("the connection ends");
    assert_eq!(assert_right(&reset).2[13] & 4, 4);

    let opening = tcp(CHOSEN_6, SERVICE_ADDRESS_6, ports, TcpControl::Syn, b"");
    let sent = send(&mut inside, &opening, at(1)).expect("it passes");
    let (source, destination, _) = assert_right(&sent);
    assert_eq!((source, destination), (OWN_6.into(), RESOLVER_6.into()));
    let back = tcp(RESOLVER_6, OWN_6, (53, 4000), TcpControl::None, b"x");
    let received = receive(&mut inside, &back, at(1)).expect("it passes");
    let (source, destination, _) = assert_right(&received);
    assert_eq!(
        (source, destination),
        (SERVICE_ADDRESS_6.into(), CHOSEN_6.into())
    );
}
