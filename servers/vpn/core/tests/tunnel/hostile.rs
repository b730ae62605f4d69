//! What strangers, thieves of old messages, and false peers achieve: nothing, at a bounded cost.

use std::{net::SocketAddr, time::Duration};

use proptest::prelude::*;
use vpn_core::tunnel::{DropReason, Received};

use crate::world::{Setup, World, key_text, secret};

const SECOND: Duration = Duration::from_secs(1);

/// A stranger, whose address changes with every message.
fn stranger(number: u32) -> SocketAddr {
    let [a, b, c, d] = number.to_be_bytes();
    SocketAddr::from(([198, 18 ^ a ^ b, c, d], 1000))
}

/// Two sides with a session, and everything that they said for it.
fn world_in_use() -> World {
    let mut world = World::alike(&Setup::default());
    world.say(0, 1);
    world.pass(SECOND);
    world.say(1, 2);
    world.pass(SECOND);
    world
}

fn dropped(world: &World, side: usize, reason: DropReason) -> u64 {
    world.sides[side].tunnel.counters().dropped(reason)
}

/// Both sides still understand each other at once.
fn assert_works(world: &mut World) {
    for side in [0, 1] {
        let packet = world.say(side, 77);
        world.pass(SECOND);
        assert_eq!(world.sides[1 - side].delivered.last(), Some(&packet));
    }
}

#[test]
fn everything_sent_again_changes_nothing() {
    let mut world = world_in_use();
    let history = world.history.clone();
    let before: Vec<_> = world
        .sides
        .iter()
        .map(|side| side.delivered.clone())
        .collect();
    for pause in [0, 1, 100, 400] {
        world.pass(pause * SECOND);
        let sent = world.history.len();
        for datagram in &history {
            for side in [0, 1] {
                let received = world.deliver(side, stranger(7), &datagram.bytes);
                assert!(matches!(received, Received::Dropped(_)), "{received:?}");
            }
        }
        assert_eq!(world.history.len(), sent, "an answer to something old");
    }
    for (side, before) in world.sides.iter().zip(before) {
        assert_eq!(side.delivered, before);
        let peer = side.tunnel.peers().next().expect("one peer");
        assert_ne!(peer.endpoint, Some(stranger(7)));
    }
    assert_works(&mut world);
}

#[test]
fn every_changed_bit_is_noticed() {
    let mut world = world_in_use();
    let history = world.history.clone();
    for datagram in &history {
        let receiver = usize::from(datagram.to != world.sides[0].address);
        for position in 0..datagram.bytes.len() {
            let mut changed = datagram.bytes.clone();
            changed[position] ^= 1 << (position % 8);
            let received = world.deliver(receiver, stranger(1), &changed);
            assert!(
                matches!(received, Received::Dropped(_)),
                "{position}: {received:?}"
            );
        }
        for length in 0..datagram.bytes.len() {
            let received = world.deliver(receiver, stranger(1), &datagram.bytes[..length]);
            assert!(
                matches!(received, Received::Dropped(_)),
                "{length}: {received:?}"
            );
        }
    }
    world.pass(10 * SECOND);
    assert_works(&mut world);
}

#[test]
fn a_peer_with_another_key_gets_no_answer() {
    // Side 1 expects side 0; its own key it has, so the first MAC is right.
    let setup = Setup::default();
    let mut world = World::alike(&setup);
    let text = format!(
        "[Interface]\nPrivateKey = {}\nAddress = 10.0.0.1/24\n[Peer]\nPublicKey = {}\nAllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.2:51820",
        key_text(&[99; 32]),
        key_text(secret(1).public_key().as_bytes()),
    );
    world.sides[0].tunnel = setup.tunnel_of(&text);
    world.say(0, 1);
    world.pass(30 * SECOND);
    assert!(world.count(1) >= 5);
    assert_eq!(world.count(2), 0);
    assert!(dropped(&world, 1, DropReason::UnknownPeer) >= 5);
}

#[test]
fn a_wrong_preshared_key_gives_no_session() {
    let with = |lines: &str| Setup {
        peer_lines: lines.into(),
        ..Setup::default()
    };
    let key = format!("PresharedKey = {}", key_text(&[5; 32]));
    let mut world = World::new([&with(&key), &with("")]);
    world.say(0, 1);
    world.pass(30 * SECOND);
    assert!(world.sides[1].delivered.is_empty());
    assert!(dropped(&world, 0, DropReason::Forged) >= 5);
    let mut world = World::alike(&with(&key));
    assert_works(&mut world);
}

/// Under load a stranger is asked to show where it is; a peer that does so comes through.
#[test]
fn a_flood_of_handshakes_does_not_keep_the_peer_out() {
    let mut world = World::alike(&Setup::default());
    world.say(0, 1);
    world.pass(SECOND);
    let initiation = world.history[0].bytes.clone();
    let flood = |world: &mut World, count: u32| {
        for number in 0..count {
            world.deliver(1, stranger(number), &initiation);
        }
    };
    let sent = world.history.len();
    flood(&mut world, 1000);
    let cookies = dropped(&world, 1, DropReason::CookieSent);
    assert!(cookies > 900, "{cookies}");
    let replies = &world.history[sent..];
    assert_eq!(replies.len() as u64, cookies);
    assert!(replies.iter().all(|reply| reply.bytes.len() == 64));
    // A cookie that was made for another is no use.
    world.sides[0].tunnel = Setup {
        seed: 9,
        ..Setup::default()
    }
    .tunnel(0);
    let packet = world.say(0, 2);
    for _ in 0..100 {
        flood(&mut world, 50);
        world.pass(SECOND / 10);
    }
    assert_eq!(world.sides[1].delivered.last(), Some(&packet));
    assert!(world.count(3) > 0);
}

/// Packets that nobody takes wait, but only the newest few.
#[test]
fn waiting_packets_are_few() {
    let mut world = World::alike(&Setup::default());
    world.weather.lost = 100;
    for _ in 0..100 {
        world.say(0, 1);
    }
    assert_eq!(dropped(&world, 0, DropReason::QueueFull), 100 - 32);
    world.pass(100 * SECOND);
    assert_eq!(dropped(&world, 0, DropReason::QueueFull), 100);
}

proptest! {
    #[test]
    fn any_datagram_is_answered(
        kind in 0..6_u8,
        mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
        known_index: bool,
    ) {
        let mut world = world_in_use();
        if let Some(first) = bytes.first_mut() {
            *first = kind;
        }
        if known_index && bytes.len() > 8 {
            let genuine = world.history.last().expect("something was said").bytes.clone();
            bytes[1..8].copy_from_slice(&genuine[1..8]);
        }
        let received = world.deliver(1, stranger(3), &bytes);
        prop_assert!(matches!(received, Received::Dropped(_)));
    }
}
