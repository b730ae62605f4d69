//! A path outside takes less than the guest's link: the guest hears of it, and TCP fits from the beginning.

use smoltcp::wire::{TcpControl, TcpPacket};
use vpn_core::inside::{Inside, Refusal};

use crate::guest::{
    CHOSEN_6, OWN, OWN_6, REMOTE, REMOTE_6, assert_right, at, inside, receive, said, send, tcp, udp,
};

/// What the guest was told: kind, code, MTU of the ICMP error.
fn told(inside: &mut Inside) -> Vec<(u8, u8, u32)> {
    let all = std::iter::from_fn(|| said(inside));
    let errors = all.filter_map(|packet| {
        let (source, destination, message) = assert_right(&packet);
        assert_ne!(source, destination);
        let [kind, code, _, _, a, b, c, d, ..] = *message else {
            return None;
        };
        // Router advertisements are none of these.
        matches!((kind, code), (3 | 2, _)).then(|| (kind, code, u32::from_be_bytes([a, b, c, d])))
    });
    errors.collect()
}

fn segment_size(packet: &[u8]) -> u16 {
    let (_, _, segment) = assert_right(packet);
    let view = TcpPacket::new_checked(segment).expect("it is whole");
    let options = view.options();
    assert_eq!(options[..2], [2, 4]);
    u16::from_be_bytes([options[2], options[3]])
}

#[test]
fn the_guest_hears_how_much_fits() {
    let mut inside = inside();
    let _ = told(&mut inside);
    let long = [
        udp(OWN, REMOTE, (1, 2), &[0; 1337 - 28]),
        udp(CHOSEN_6, REMOTE_6, (1, 2), &[0; 1337 - 48]),
    ];
    for packet in &long {
        assert!(send(&mut inside, packet, at(1)).is_ok());
    }
    assert!(inside.narrow(1336, at(2)));
    assert!(!inside.narrow(1336, at(3)) && !inside.narrow(1400, at(3)));
    for packet in &long {
        assert_eq!(send(&mut inside, packet, at(4)), Err(Refusal::TooBig));
    }
    assert_eq!(told(&mut inside), [(3, 4, 1336), (2, 0, 1336)]);
    for packet in [
        udp(OWN, REMOTE, (1, 2), &[0; 1336 - 28]),
        udp(CHOSEN_6, REMOTE_6, (1, 2), &[0; 1336 - 48]),
    ] {
        assert!(send(&mut inside, &packet, at(5)).is_ok());
    }
    // Ten minutes later it is tried again.
    for packet in &long {
        assert_eq!(send(&mut inside, packet, at(601)), Err(Refusal::TooBig));
        assert!(send(&mut inside, packet, at(602)).is_ok());
    }
    assert!(inside.narrow(1400, at(603)));
}

#[test]
fn no_ipv6_guest_is_told_less_than_1280() {
    let mut inside = inside();
    let _ = told(&mut inside);
    assert!(inside.narrow(1200, at(1)));
    for packet in [
        udp(OWN, REMOTE, (1, 2), &[0; 1400]),
        udp(CHOSEN_6, REMOTE_6, (1, 2), &[0; 1300]),
        udp(CHOSEN_6, REMOTE_6, (1, 2), &[0; 1281 - 48]),
    ] {
        assert_eq!(send(&mut inside, &packet, at(2)), Err(Refusal::TooBig));
    }
    let expected = [(3, 4, 1200), (2, 0, 1280), (2, 0, 1280)];
    assert_eq!(told(&mut inside), expected);
    // And so much is carried.
    for length in [1201, 1280] {
        let packet = udp(CHOSEN_6, REMOTE_6, (1, 2), &vec![0; length - 48]);
        assert!(send(&mut inside, &packet, at(3)).is_ok());
    }
    assert_eq!(told(&mut inside), []);
}

#[test]
fn tcp_fits_from_the_beginning() {
    let mut inside = inside();
    let (out, out_6) = (
        tcp(OWN, REMOTE, (4000, 80), TcpControl::Syn, b""),
        tcp(CHOSEN_6, REMOTE_6, (4000, 80), TcpControl::Syn, b""),
    );
    let (back, back_6) = (
        tcp(REMOTE, OWN, (80, 4000), TcpControl::Syn, b""),
        tcp(REMOTE_6, OWN_6, (80, 4000), TcpControl::Syn, b""),
    );
    for (now, mtu) in [(1, 1420), (2, 1336), (3, 1200)] {
        if mtu < 1420 {
            assert!(inside.narrow(mtu, at(now)));
        }
        for (out, back, headers) in [(&out, &back, 40), (&out_6, &back_6, 60)] {
            let sent = send(&mut inside, out, at(now)).expect("it passes");
            assert_eq!(segment_size(&sent), mtu - headers);
            let received = receive(&mut inside, back, at(now)).expect("it passes");
            assert_eq!(segment_size(&received), mtu - headers);
        }
    }
}
