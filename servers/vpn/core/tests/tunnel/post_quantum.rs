//! Exchanges of post-quantum keys: when they happen, what they protect, and what happens without.

use std::time::Duration;

use proptest::prelude::*;
use vpn_core::tunnel::{DropReason, Policy, Received, Sealed};

use crate::{
    packets::packet,
    world::{Setup, Weather, World, key_text},
};

const SECOND: Duration = Duration::from_secs(1);

fn with(policy: Policy) -> Setup {
    Setup {
        policy,
        ..Setup::default()
    }
}

fn is_quantum_safe(world: &World) -> [bool; 2] {
    let is_safe = |side: usize| {
        let mut peers = world.sides[side].tunnel.peers();
        peers.next().expect("one peer").is_quantum_safe
    };
    [is_safe(0), is_safe(1)]
}

#[test]
fn the_guests_packets_wait_for_a_safe_session() {
    for policy in [Policy::Require, Policy::Prefer] {
        let mut world = World::alike(&with(policy));
        let packet = world.say(0, 1);
        world.pass(SECOND);
        assert_eq!(world.sides[1].delivered, [packet]);
        assert_eq!(is_quantum_safe(&world), [true; 2]);
        // Two handshakes: one to talk about the key, one with it.
        assert_eq!(world.count(1), 2);
        let answer = world.say(1, 2);
        world.pass(SECOND);
        assert_eq!(world.sides[0].delivered, [answer]);
    }
}

#[test]
fn it_also_happens_when_the_other_side_speaks_first_or_both_do() {
    for speakers in [&[1][..], &[0, 1]] {
        let mut world = World::alike(&with(Policy::Require));
        for side in speakers {
            world.say(*side, 1);
        }
        world.pass(3 * SECOND);
        assert_eq!(is_quantum_safe(&world), [true; 2]);
        for side in speakers {
            assert_eq!(world.sides[1 - side].delivered.len(), 1);
        }
    }
}

#[test]
fn with_a_peer_that_lacks_it_the_policy_decides() {
    let mut world = World::new([&with(Policy::Prefer), &with(Policy::Off)]);
    let packet = world.say(0, 1);
    world.pass(SECOND);
    assert_eq!(world.sides[1].delivered, [packet]);
    assert_eq!(is_quantum_safe(&world), [false; 2]);
    let offers = dropped(&world, 1, DropReason::Reserved);
    assert!(offers > 0);
    // Nothing is repeated for ever.
    world.pass(110 * SECOND);
    assert!(dropped(&world, 1, DropReason::Reserved) <= 20);

    let mut world = World::new([&with(Policy::Require), &with(Policy::Off)]);
    for mark in 0..60 {
        world.say(0, mark);
        world.say(1, mark);
        world.pass(SECOND);
    }
    assert!(world.sides.iter().all(|side| side.delivered.is_empty()));
    assert!(dropped(&world, 0, DropReason::NotQuantumSafe) > 50);
}

fn dropped(world: &World, side: usize, reason: DropReason) -> u64 {
    world.sides[side].tunnel.counters().dropped(reason)
}

#[test]
fn a_restarted_side_agrees_anew_in_less_than_three_seconds() {
    for restarted in [0, 1] {
        let setup = with(Policy::Require);
        let mut world = World::alike(&setup);
        world.say(0, 1);
        world.pass(60 * SECOND);
        let number = u8::try_from(restarted).expect("0 or 1");
        world.sides[restarted].tunnel = Setup { seed: 9, ..setup }.tunnel(number);
        let packet = world.say(restarted, 2);
        world.pass(3 * SECOND);
        assert_eq!(world.sides[1 - restarted].delivered.last(), Some(&packet));
        assert_eq!(is_quantum_safe(&world), [true; 2]);
    }
}

#[test]
fn keys_are_agreed_on_anew_and_nothing_is_lost() {
    let mut world = World::alike(&with(Policy::Require));
    world.say(0, 0);
    world.pass(SECOND);
    let mut said = [world.sides[1].delivered.clone(), Vec::new()];
    for step in 0..40 * 60 {
        for (side, said) in said.iter_mut().enumerate() {
            let mark = u8::try_from(step % 251).expect("below 251");
            said.push(world.say(side, mark));
        }
        world.pass(SECOND);
    }
    world.pass(SECOND);
    assert_eq!(world.sides[1].delivered, said[0]);
    assert_eq!(world.sides[0].delivered, said[1]);
    // A session every two minutes, and one more for each new key.
    let handshakes = world.count(1);
    assert!((22..=30).contains(&handshakes), "{handshakes}");
}

/// The exchange does not help where the configured keys differ: they are part of it.
#[test]
fn it_is_no_way_around_a_configured_key() {
    let other = Setup {
        peer_lines: format!("PresharedKey = {}", key_text(&[5; 32])),
        ..with(Policy::Prefer)
    };
    let mut world = World::new([&with(Policy::Prefer), &other]);
    world.say(0, 1);
    world.pass(30 * SECOND);
    assert!(world.sides[1].delivered.is_empty());
}

/// A guest can neither send to the place of exchanges nor get anything from there.
#[test]
fn no_guest_can_take_part() {
    let mut world = World::alike(&with(Policy::Require));
    world.say(0, 1);
    world.pass(SECOND);
    for (source, destination) in [("10.0.0.1", "169.254.75.81"), ("169.254.75.81", "10.0.0.2")] {
        let forged = packet(source, destination, 852, 0);
        assert_eq!(
            world.send(0, &forged),
            Sealed::Dropped(DropReason::Reserved)
        );
    }
    assert_eq!(world.sides[1].delivered.len(), 1);
}

/// Everything of a conversation is sent again to a side that has been started anew, as a thief would.
#[test]
fn old_exchanges_are_no_use() {
    let setup = with(Policy::Require);
    let mut world = World::alike(&setup);
    world.say(0, 1);
    world.pass(SECOND);
    let history = world.history.clone();
    world.sides[1].tunnel = Setup { seed: 9, ..setup }.tunnel(1);
    let mut answers = 0;
    for datagram in &history {
        let received = world.deliver(1, datagram.from, &datagram.bytes);
        answers += usize::from(received == Received::Nothing);
    }
    // The newest handshake may be answered, since the side has forgotten; nobody can use the answer.
    assert!(answers <= 2);
    assert_eq!(world.sides[1].delivered.len(), 1);
    assert_eq!(world.sides[1].tunnel.counters().sessions, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever is lost, doubled or late: in the end both sides have the same key.
    #[test]
    fn bad_weather_passes(chance: u64, lost in 0..50_u32, doubled in 0..40_u32, late in 0..100_u32) {
        let mut world = World::alike(&with(Policy::Require));
        world.set_chance(chance);
        world.weather = Weather { lost, doubled, late };
        for mark in 0..40 {
            world.say(usize::from(mark % 2), mark);
            world.pass(5 * SECOND);
        }
        world.weather = Weather::default();
        for mark in 0..8 {
            world.say(usize::from(mark % 2), mark);
            world.pass(30 * SECOND);
        }
        prop_assert_eq!(is_quantum_safe(&world), [true; 2]);
        for side in [0, 1] {
            let packet = world.say(side, 200);
            world.pass(SECOND);
            prop_assert_eq!(world.sides[1 - side].delivered.last(), Some(&packet));
        }
    }
}
