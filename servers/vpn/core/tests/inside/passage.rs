//! Packets that pass, and how they look then.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::Range;

use frame_api::{Checksum, MIN_FRAME};
use smoltcp::wire::{IpProtocol, Ipv4Packet, TcpControl, TcpPacket, checksum};
use vpn_core::inside::{FromGuest, Refusal, ToGuest};

use crate::guest::{
    CHOSEN_6, MTU, OWN, OWN_6, REMOTE, REMOTE_6, assert_right, at, frame, inside, ip, ping,
    receive, said, send, tcp, udp,
};

#[test]
fn ipv4_passes_both_ways_unchanged() {
    let mut inside = inside();
    let query = udp(OWN, REMOTE, (4000, 9), b"there");
    assert_eq!(send(&mut inside, &query, at(1)).as_ref(), Ok(&query));
    let answer = udp(REMOTE, OWN, (9, 4000), b"and back");
    assert_eq!(receive(&mut inside, &answer, at(2)).as_ref(), Ok(&answer));
    assert_eq!(
        (inside.counters().to_tunnel, inside.counters().to_guest),
        (1, 1)
    );
}

#[test]
fn the_guests_ipv6_address_is_replaced_and_put_back() {
    let mut inside = inside();
    for chosen in [CHOSEN_6, OWN_6] {
        for (query, answer) in [
            (
                udp(chosen, REMOTE_6, (4000, 9), b"a"),
                udp(REMOTE_6, OWN_6, (9, 4000), b"b"),
            ),
            (
                tcp(chosen, REMOTE_6, (4001, 80), TcpControl::None, b"get"),
                tcp(REMOTE_6, OWN_6, (80, 4001), TcpControl::None, b"got"),
            ),
        ] {
            let sent = send(&mut inside, &query, at(1)).expect("it passes");
            let (source, destination, _) = assert_right(&sent);
            assert_eq!((source, destination), (OWN_6.into(), REMOTE_6.into()));
            let received = receive(&mut inside, &answer, at(1)).expect("it passes");
            let (source, destination, _) = assert_right(&received);
            assert_eq!(
                (source, destination),
                (REMOTE_6.into(), IpAddr::from(chosen))
            );
        }
        let sent = send(&mut inside, &ping(chosen, REMOTE_6, 5), at(1)).expect("it passes");
        assert_eq!(assert_right(&sent).0, IpAddr::from(OWN_6));
    }
}

#[test]
fn missing_checksums_are_completed() {
    let mut inside = inside();
    let whole = tcp(OWN, REMOTE, (4000, 80), TcpControl::None, b"some data");
    let mut packet = whole.clone();
    // The field holds the sum of the pseudo header: what the whole sum is without the segment's own.
    let mut sum = u32::from(!u16::from_be_bytes([packet[36], packet[37]]));
    packet[36..38].fill(0);
    for pair in packet[20..].chunks(2) {
        let word = u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]);
        sum += u32::from(!word);
    }
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    packet[36..38].copy_from_slice(&u16::try_from(sum).expect("it is folded").to_be_bytes());
    let mut frame = frame(&packet);
    let missing = Checksum::Missing {
        start: 34,
        offset: 16,
    };
    let FromGuest::Packet(range) = inside.from_guest(&mut frame, missing, at(1)) else {
        panic!("it passes");
    };
    assert_eq!(&frame[range], &whole[..]);
}

#[test]
fn the_segment_size_fits_the_tunnel() {
    let mut inside = inside();
    let size = |packet: &[u8]| {
        let (_, _, segment) = assert_right(packet);
        let view = TcpPacket::new_checked(segment).expect("it is whole");
        u16::from_be_bytes([view.options()[2], view.options()[3]])
    };
    let opening = tcp(OWN, REMOTE, (4000, 80), TcpControl::Syn, b"");
    let sent = send(&mut inside, &opening, at(1)).expect("it passes");
    assert_eq!(size(&sent), MTU - 40);
    let opening = tcp(CHOSEN_6, REMOTE_6, (4000, 80), TcpControl::Syn, b"");
    let sent = send(&mut inside, &opening, at(1)).expect("it passes");
    assert_eq!(size(&sent), MTU - 60);
    let opening = tcp(REMOTE, OWN, (4000, 22), TcpControl::Syn, b"");
    let received = receive(&mut inside, &opening, at(1)).expect("it passes");
    assert_eq!(size(&received), MTU - 40);
}

#[test]
fn what_does_not_fit_is_answered() {
    let mut inside = inside();
    let room = usize::from(MTU) - 28;
    let fits = udp(OWN, REMOTE, (1, 2), &vec![0; room]);
    assert!(send(&mut inside, &fits, at(1)).is_ok());
    let long = udp(OWN, REMOTE, (1, 2), &vec![0; room + 1]);
    assert_eq!(send(&mut inside, &long, at(1)), Err(Refusal::TooBig));
    let error = said(&mut inside).expect("the guest is told");
    let (_, destination, message) = assert_right(&error);
    assert_eq!(destination, IpAddr::from(OWN));
    assert_eq!((message[0], message[1]), (3, 4));
    assert_eq!(message[6..8], MTU.to_be_bytes());
    assert_eq!(message[8..], long[..message.len() - 8]);

    let long = udp(CHOSEN_6, REMOTE_6, (1, 2), &vec![0; 1400]);
    assert_eq!(send(&mut inside, &long, at(1)), Err(Refusal::TooBig));
    let error = said(&mut inside).expect("the guest is told");
    assert!(error.len() <= 1280);
    let (_, destination, message) = assert_right(&error);
    assert_eq!(destination, IpAddr::from(CHOSEN_6));
    assert_eq!((message[0], message[1]), (2, 0));
    assert_eq!(message[4..8], u32::from(MTU).to_be_bytes());
}

#[test]
fn nobody_outside_begins_what_is_not_listed() {
    let mut inside = inside();
    let later = at(100);
    for (packet, passes) in [
        (udp(REMOTE, OWN, (9, 5000), b"x"), true),
        (udp(REMOTE, OWN, (9, 5001), b"x"), false),
        (tcp(REMOTE, OWN, (9, 22), TcpControl::Syn, b""), true),
        (tcp(REMOTE, OWN, (9, 23), TcpControl::Syn, b""), false),
        (tcp(REMOTE, OWN, (8, 22), TcpControl::None, b"x"), false),
        (ping(REMOTE, OWN, 3), false),
        (ping(REMOTE_6, OWN_6, 3), false),
        (udp(REMOTE_6, OWN_6, (9, 5000), b"x"), true),
        (
            ip(REMOTE, OWN, IpProtocol::Unknown(132), 20, |_, _, _| {}),
            false,
        ),
    ] {
        let result = receive(&mut inside, &packet, later);
        assert_eq!(result.is_ok(), passes, "{packet:02x?}");
        if !passes {
            assert_eq!(result, Err(Refusal::Uninvited));
        }
    }
}

#[test]
fn flows_are_forgotten() {
    let mut inside = inside();
    let answer = udp(REMOTE, OWN, (9, 4000), b"x");
    assert!(send(&mut inside, &udp(OWN, REMOTE, (4000, 9), b"x"), at(100)).is_ok());
    assert!(receive(&mut inside, &answer, at(159)).is_ok());
    assert!(receive(&mut inside, &answer, at(159 + 299)).is_ok());
    assert_eq!(
        receive(&mut inside, &answer, at(159 + 299 + 301)),
        Err(Refusal::Uninvited)
    );
}

#[test]
fn connections_survive_a_restart() {
    let mut inside = inside();
    let data = tcp(REMOTE, OWN, (80, 4000), TcpControl::None, b"in the middle");
    assert!(receive(&mut inside, &data, at(5)).is_ok());
    assert!(receive(&mut inside, &data, at(1000)).is_err());
    let opening = tcp(REMOTE, OWN, (80, 4001), TcpControl::Syn, b"");
    assert_eq!(
        receive(&mut inside, &opening, at(5)),
        Err(Refusal::Uninvited)
    );
}

#[test]
fn what_survives_a_restart_opens_nothing() {
    let mut inside = inside();
    let older = tcp(REMOTE, OWN, (80, 4000), TcpControl::None, b"in the middle");
    assert!(receive(&mut inside, &older, at(5)).is_ok());
    let opening = tcp(REMOTE, OWN, (80, 4000), TcpControl::Syn, b"");
    assert_eq!(
        receive(&mut inside, &opening, at(5)),
        Err(Refusal::Uninvited)
    );
    // Nor when the guest, who knows no such connection, has said so.
    let reset = tcp(OWN, REMOTE, (4000, 80), TcpControl::Rst, b"");
    assert!(send(&mut inside, &reset, at(6)).is_ok());
    assert_eq!(
        receive(&mut inside, &opening, at(6)),
        Err(Refusal::Uninvited)
    );
    // Both ends may begin at once (RFC 9293, section 3.5), if the guest does.
    let own = tcp(OWN, REMOTE, (4000, 80), TcpControl::Syn, b"");
    assert!(send(&mut inside, &own, at(7)).is_ok());
    assert!(receive(&mut inside, &opening, at(7)).is_ok());
}

#[test]
fn errors_reach_whom_they_concern() {
    let mut inside = inside();
    let sent = send(
        &mut inside,
        &udp(CHOSEN_6, REMOTE_6, (4000, 9), b"x"),
        at(100),
    );
    let sent = sent.expect("it passes");
    let error = |quoted: &[u8]| {
        let quoted = quoted.to_vec();
        ip(
            REMOTE_6,
            OWN_6,
            IpProtocol::Icmpv6,
            8 + quoted.len(),
            |room, _, _| {
                room[0] = 2;
                room[4..8].copy_from_slice(&1300u32.to_be_bytes());
                room[8..].copy_from_slice(&quoted);
                let mut view = smoltcp::wire::Icmpv6Packet::new_unchecked(room);
                view.fill_checksum(&REMOTE_6, &OWN_6);
            },
        )
    };
    let received = receive(&mut inside, &error(&sent), at(101)).expect("it passes");
    let (_, destination, message) = assert_right(&received);
    assert_eq!(destination, IpAddr::from(CHOSEN_6));
    assert_eq!(message[8 + 8..8 + 24], CHOSEN_6.octets());
    let other = udp(OWN_6, REMOTE_6, (4001, 9), b"x");
    assert_eq!(
        receive(&mut inside, &error(&other), at(101)),
        Err(Refusal::Uninvited)
    );
}

/// A piece of what is behind the header of an IPv4 packet, with its identification; whether there are more behind it.
fn piece_4(
    (from, to): (Ipv4Addr, Ipv4Addr),
    whole: &[u8],
    range: Range<usize>,
    (more, identification): (bool, u16),
) -> Vec<u8> {
    let mut packet = ip(from, to, IpProtocol::Udp, range.len(), |room, _, _| {
        room.copy_from_slice(&whole[20..][range.clone()]);
    });
    let mut view = Ipv4Packet::new_unchecked(&mut packet);
    view.set_ident(identification);
    view.set_dont_frag(false);
    view.set_more_frags(more);
    view.set_frag_offset(u16::try_from(range.start).expect("it is small"));
    view.fill_checksum();
    packet
}

/// The same of an IPv6 packet (RFC 8200, section 4.5).
fn piece_6(
    (from, to): (Ipv6Addr, Ipv6Addr),
    whole: &[u8],
    range: Range<usize>,
    (more, identification): (bool, u16),
) -> Vec<u8> {
    let offset = u16::try_from(range.start).expect("it is small") | u16::from(more);
    ip(
        from,
        to,
        IpProtocol::Ipv6Frag,
        8 + range.len(),
        |room, _, _| {
            room[0] = IpProtocol::Udp.into();
            room[2..4].copy_from_slice(&offset.to_be_bytes());
            room[6..8].copy_from_slice(&identification.to_be_bytes());
            room[8..].copy_from_slice(&whole[40..][range]);
        },
    )
}

#[test]
fn later_pieces_from_outside_follow_one_that_may_come() {
    let mut inside = inside();
    let now = at(1);
    let (invited, other) = (5000, 5001);
    // A piece has no checksum of its own that could be looked at.
    let mut take = |packet: &[u8]| {
        let mut frame = [&[0; MIN_FRAME], packet].concat();
        match inside.to_guest(&mut frame, now) {
            ToGuest::Refused(refusal) => Err(refusal),
            ToGuest::Frame(_) | ToGuest::Taken => Ok(()),
        }
    };
    for (port, mark) in [(invited, 1), (other, 2)] {
        let four = udp(REMOTE, OWN, (9, port), &[5; 800]);
        let six = udp(REMOTE_6, OWN_6, (9, port), &[5; 800]);
        let pieces = |range: Range<usize>, more| {
            let four = piece_4((REMOTE, OWN), &four, range.clone(), (more, mark));
            [four, piece_6((REMOTE_6, OWN_6), &six, range, (more, mark))]
        };
        let (first, later) = (pieces(0..400, true), pieces(400..808, false));
        for (first, later) in first.iter().zip(&later) {
            assert_eq!(take(later), Err(Refusal::Fragment));
            let (first, later) = (take(first), take(later));
            let expected = if port == invited {
                (Ok(()), Ok(()))
            } else {
                (Err(Refusal::Uninvited), Err(Refusal::Fragment))
            };
            assert_eq!((first, later), expected);
        }
    }
}

#[test]
fn later_pieces_follow_the_first() {
    let mut inside = inside();
    let whole = udp(OWN, REMOTE, (4000, 9), &[5; 800]);
    let piece = |range, more, id| piece_4((OWN, REMOTE), &whole, range, (more, id));
    let now = at(1);
    assert_eq!(
        send(&mut inside, &piece(400..808, false, 1), now),
        Err(Refusal::Fragment)
    );
    assert!(send(&mut inside, &piece(0..400, true, 1), now).is_ok());
    assert!(send(&mut inside, &piece(400..808, false, 1), now).is_ok());
    assert_eq!(
        send(&mut inside, &piece(400..808, false, 2), now),
        Err(Refusal::Fragment)
    );
    assert_eq!(
        send(&mut inside, &piece(400..808, false, 1), at(60)),
        Err(Refusal::Fragment)
    );
    assert_eq!(
        send(&mut inside, &piece(8..16, true, 1), now),
        Err(Refusal::Fragment)
    );
    assert_eq!(
        send(&mut inside, &piece(0..4, true, 1), now),
        Err(Refusal::Malformed)
    );
}

#[test]
fn flows_are_rationed() {
    let mut inside = inside();
    let passed = |inside: &mut _, seconds| {
        let flows = (0..4000).map(|port| udp(OWN, REMOTE, (port, 9), b"x"));
        flows
            .filter(|packet| send(inside, packet, at(seconds)).is_ok())
            .count()
    };
    assert_eq!(passed(&mut inside, 10), 2000);
    assert_eq!(inside.counters().refused(Refusal::Rate), 2000);
}

#[test]
fn the_guest_hears_that_no_peer_takes_its_packet() {
    let mut inside = inside();
    for (packet, kind) in [
        (udp(OWN, REMOTE, (4000, 9), b"there"), [3, 0]),
        (udp(CHOSEN_6, REMOTE_6, (4000, 9), b"there"), [1, 0]),
    ] {
        let mut sent = send(&mut inside, &packet, at(1)).expect("it passes");
        inside.no_peer_takes(&mut sent, at(1));
        let error = said(&mut inside).expect("the guest is told");
        let (_, to, message) = assert_right(&error);
        assert_eq!(to, assert_right(&packet).0);
        assert_eq!(message[..2], kind);
        // As it sent it.
        assert_eq!(message[8..], packet);
    }
    // Errors cause none.
    let quoted = udp(REMOTE, OWN, (9, 4000), b"x");
    let fill = |room: &mut [u8], _: &_, _: &_| {
        room[0] = 3;
        room[8..].copy_from_slice(&quoted);
        let sum = checksum::data(room);
        room[2..4].copy_from_slice(&(!sum).to_be_bytes());
    };
    let mut error = ip(OWN, REMOTE, IpProtocol::Icmp, 8 + quoted.len(), fill);
    inside.no_peer_takes(&mut error, at(1));
    assert_eq!(said(&mut inside), None);
}
