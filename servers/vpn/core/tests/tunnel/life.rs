//! Hours in the life of a tunnel: handshakes, rekeying, silence, moving, and bad weather.

use std::{net::SocketAddr, time::Duration};

use crate::{
    packets::{packet, packet_six},
    world::{Setup, Weather, World},
};
use proptest::prelude::*;
use vpn_core::tunnel::{DropReason, Sealed};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const INITIATION: u8 = 1;
const RESPONSE: u8 = 2;
const DATA: u8 = 4;

#[test]
fn the_first_packets_wait_and_arrive() {
    let mut world = World::alike(&Setup::default());
    let packets: Vec<_> = (0..5).map(|mark| world.say(0, mark)).collect();
    assert_eq!(world.count(DATA), 0);
    world.pass(SECOND);
    assert_eq!(world.sides[1].delivered, packets);
    assert_eq!((world.count(INITIATION), world.count(RESPONSE)), (1, 1));
    let answer = world.say(1, 9);
    world.pass(SECOND);
    assert_eq!(world.sides[0].delivered, [answer]);
    for side in &world.sides {
        assert_eq!(side.tunnel.counters().sessions, 1);
        assert!(
            side.tunnel
                .peers()
                .all(|peer| peer.last_handshake.is_some())
        );
    }
}

#[test]
fn every_length_arrives_as_it_was_sent() {
    let mut world = World::alike(&Setup::default());
    world.say(0, 0);
    world.pass(SECOND);
    world.sides[1].delivered.clear();
    let four = (20..=1420).step_by(7).chain([1420]);
    let packets = four.map(|length| packet("10.0.0.1", "10.0.0.2", length, 3));
    let six = (40..=1420)
        .step_by(31)
        .map(|length| packet_six("fd00::1", "fd00::2", length, 4));
    let packets: Vec<_> = packets.chain(six).collect();
    for packet in &packets {
        let Sealed::Message { length, .. } = world.send(0, packet) else {
            panic!("there is a session");
        };
        let padded = packet.len().next_multiple_of(16).min(1420);
        assert_eq!(length, padded + 32);
    }
    world.pass(SECOND);
    assert_eq!(world.sides[1].delivered, packets);
}

#[test]
fn sessions_can_be_renewed_under_load_without_losing_a_packet() {
    let mut world = World::alike(&Setup::default());
    let mut said = vec![world.say(0, 0)];
    world.pass(SECOND);
    for round in 0..100 {
        // Either side, far more often than it would by itself.
        world.renew(round % 2);
        for mark in 0..20 {
            said.push(world.say(0, mark));
            world.pass(SECOND / 10);
        }
    }
    world.pass(SECOND);
    assert_eq!(world.sides[1].delivered, said);
    // Each side keeps five seconds' distance.
    let initiations = world.count(INITIATION);
    assert!((20..=82).contains(&initiations), "{initiations} in 200 s");
}

#[test]
fn nothing_of_a_packet_is_seen_on_the_wire() {
    let mut world = World::alike(&Setup::default());
    let secret = b"an address of the inside, a name, a password";
    let mut said = packet("10.0.0.1", "10.0.0.2", 200, 0);
    said[100..100 + secret.len()].copy_from_slice(secret);
    for _ in 0..3 {
        world.send(0, &said);
        world.pass(SECOND);
    }
    assert_eq!(world.sides[1].delivered.len(), 3);
    for datagram in &world.history {
        for piece in [&secret[..8], &secret[20..28], &said[12..20]] {
            assert!(
                !datagram
                    .bytes
                    .windows(piece.len())
                    .any(|window| window == piece)
            );
        }
    }
}

#[test]
fn sessions_are_renewed_under_load_without_loss() {
    let mut world = World::alike(&Setup::default());
    let mut said = [vec![world.say(0, 255)], Vec::new()];
    world.pass(SECOND);
    for step in 0..10 * 60 * 4 {
        for (side, said) in said.iter_mut().enumerate() {
            let mark = u8::try_from(step % 251).expect("below 251");
            said.push(world.say(side, mark));
        }
        world.pass(SECOND / 4);
    }
    world.pass(SECOND);
    assert_eq!(world.sides[1].delivered, said[0]);
    assert_eq!(world.sides[0].delivered, said[1]);
    // Ten minutes, a session every two.
    assert!(
        (5..=7).contains(&world.count(INITIATION)),
        "{}",
        world.count(INITIATION)
    );
}

#[test]
fn silence_is_silent_but_for_one_keepalive() {
    let mut world = World::alike(&Setup::default());
    world.say(0, 1);
    world.pass(9 * SECOND);
    let before = world.history.len();
    world.pass(3 * SECOND);
    // Who has received data says once that it is alive.
    let new = &world.history[before..];
    assert_eq!(
        new.iter()
            .map(|datagram| datagram.bytes.len())
            .collect::<Vec<_>>(),
        [32]
    );
    assert_eq!(new[0].from, world.sides[1].address);
    world.pass(3600 * SECOND);
    assert_eq!(world.history.len(), before + 1);
    // After that there is no session left, and no deadline.
    assert!(
        world
            .sides
            .iter()
            .all(|side| side.tunnel.next_deadline().is_none())
    );
    let packet = world.say(0, 2);
    world.pass(SECOND);
    assert_eq!(world.sides[1].delivered[1], packet);
}

#[test]
fn a_persistent_keepalive_begins_by_itself_and_goes_on() {
    let setup = Setup {
        peer_lines: "PersistentKeepalive = 25".into(),
        ..Setup::default()
    };
    let mut world = World::new([&setup, &Setup::default()]);
    world.pass(SECOND);
    assert_eq!(world.sides[0].tunnel.counters().sessions, 1);
    world.pass(1000 * SECOND);
    let keepalives = world.count(DATA);
    assert!((38..=60).contains(&keepalives), "{keepalives}");
}

#[test]
fn a_dead_peer_is_noticed_given_up_and_found_again() {
    let mut world = World::alike(&Setup::default());
    world.say(0, 1);
    world.pass(SECOND);
    world.weather.lost = 100;
    world.say(0, 2);
    world.pass(14 * SECOND);
    assert_eq!(world.count(INITIATION), 1);
    world.pass(2 * SECOND);
    assert_eq!(world.count(INITIATION), 2);
    let is_silent = |world: &World| world.sides[0].tunnel.peers().any(|peer| peer.is_silent);
    assert!(!is_silent(&world), "it may only be slow");
    world.pass(300 * SECOND);
    assert!(is_silent(&world));
    // Every five seconds and a little for ninety seconds, then no more.
    let tries = world.count(INITIATION);
    assert!((17..=20).contains(&tries), "{tries}");
    world.weather.lost = 0;
    world.pass(100 * SECOND);
    assert_eq!(world.count(INITIATION), tries);
    let found = world.say(0, 3);
    world.pass(SECOND);
    assert_eq!(world.sides[1].delivered.last(), Some(&found));
    assert!(!is_silent(&world));
}

#[test]
fn a_restarted_side_is_back_at_once() {
    for restarted in [0, 1] {
        let setup = Setup::default();
        let mut world = World::alike(&setup);
        world.say(0, 1);
        world.pass(60 * SECOND);
        world.sides[restarted].tunnel =
            Setup { seed: 9, ..setup }.tunnel(u8::try_from(restarted).expect("0 or 1"));
        let packet = world.say(restarted, 2);
        world.pass(SECOND);
        assert_eq!(world.sides[1 - restarted].delivered.last(), Some(&packet));
        let answer = world.say(1 - restarted, 3);
        world.pass(SECOND);
        assert_eq!(world.sides[restarted].delivered.last(), Some(&answer));
    }
}

#[test]
fn a_peer_that_moves_is_followed_once_it_has_spoken() {
    let mut world = World::alike(&Setup::default());
    world.say(0, 1);
    world.pass(SECOND);
    let moved: SocketAddr = "[2001:db8::9]:1234".parse().expect("an address");
    world.sides[0].address = moved;
    let lost = world.say(1, 2);
    world.pass(SECOND);
    assert!(!world.sides[0].delivered.contains(&lost));
    world.say(0, 3);
    world.pass(SECOND);
    let found = world.say(1, 4);
    world.pass(SECOND);
    assert!(world.sides[0].delivered.contains(&found));
    let status = world.sides[1].tunnel.peers().next().expect("one peer");
    assert_eq!(status.endpoint, Some(moved));
}

#[test]
fn who_does_not_know_the_way_waits_to_be_spoken_to() {
    let lost = Setup {
        knows_endpoint: false,
        ..Setup::default()
    };
    let mut world = World::new([&Setup::default(), &lost]);
    let packet = packet("10.0.0.2", "10.0.0.1", 60, 0);
    assert_eq!(
        world.send(1, &packet),
        Sealed::Dropped(DropReason::NoEndpoint)
    );
    world.say(0, 1);
    world.pass(SECOND);
    assert!(matches!(world.send(1, &packet), Sealed::Message { .. }));
}

#[test]
fn both_begin_at_the_same_moment() {
    let mut world = World::alike(&Setup::default());
    let said = [world.say(0, 1), world.say(1, 2)];
    world.pass(SECOND);
    for mark in 0..100 {
        world.say(0, mark);
        world.say(1, mark);
        world.pass(SECOND / 10);
    }
    assert_eq!(world.sides[1].delivered.len(), 101);
    assert_eq!(world.sides[0].delivered.len(), 101);
    assert_eq!(world.sides[1].delivered[0], said[0]);
    assert_eq!(world.sides[0].delivered[0], said[1]);
    assert_eq!(world.count(INITIATION), 2);
}

/// The volume remembers which labels were used, so the peer takes the first initiation whatever the clock says.
#[test]
fn a_clock_set_back_costs_nothing() {
    for years in [0, 1, 10, 50] {
        let setup = Setup::default();
        let mut world = World::alike(&setup);
        let mut said = vec![world.say(0, 1)];
        world.pass(200 * SECOND);
        // Again and again, from where it was set back to.
        for mark in 2..6 {
            world.restart(0, years * YEAR + HOUR, &setup);
            let initiations = world.count(INITIATION);
            said.push(world.say(0, mark));
            world.pass(SECOND);
            assert_eq!(world.sides[1].delivered, said, "{years}");
            assert_eq!(world.count(INITIATION), initiations + 1, "{years}");
            world.pass(200 * SECOND);
        }
        // Somebody sets it right.
        world.restart(0, Duration::ZERO, &setup);
        said.push(world.say(0, 9));
        world.pass(SECOND);
        assert_eq!(world.sides[1].delivered, said, "{years}");
    }
}

/// The last resort: what was remembered is lost too.
#[test]
fn a_clock_set_back_and_an_old_volume_cost_two_minutes() {
    for years in [0, 1, 30] {
        let setup = Setup::default();
        let mut world = World::alike(&setup);
        world.say(0, 1);
        world.pass(200 * SECOND);
        world.sides[0].remembered_labels = Duration::ZERO;
        world.restart(0, years * YEAR + HOUR, &setup);
        let mut said = Vec::new();
        for mark in 2..122 {
            said.push(world.say(0, mark));
            world.pass(SECOND);
        }
        assert_eq!(world.sides[1].delivered.last(), said.last(), "{years}");
        // What worked once works again without trying, after a restart too.
        for mark in [200, 201] {
            world.pass(200 * SECOND);
            let packet = world.say(0, mark);
            world.pass(SECOND);
            assert_eq!(world.sides[1].delivered.last(), Some(&packet), "{years}");
            world.restart(0, years * YEAR + HOUR, &setup);
        }
    }
}

/// Every laptop, every morning: the peer is out of reach for a while, and the guest keeps talking.
#[test]
fn a_peer_that_was_away_costs_nothing_at_the_next_starts() {
    for minutes_away in 1..30 {
        let setup = Setup::default();
        let mut world = World::alike(&setup);
        world.weather.lost = 100;
        for _ in 0..minutes_away * 60 {
            world.say(0, 1);
            world.pass(SECOND);
        }
        world.weather.lost = 0;
        // Whichever label its next try has: the peer takes it.
        for _ in 0..8 {
            world.say(0, 2);
            world.pass(SECOND);
        }
        assert!(!world.sides[1].delivered.is_empty(), "{minutes_away}");
        for mark in 3..6 {
            world.pass(HOUR);
            world.restart(0, Duration::ZERO, &setup);
            let packet = world.say(0, mark);
            world.pass(SECOND);
            let delivered = world.sides[1].delivered.last();
            assert_eq!(delivered, Some(&packet), "{minutes_away}");
        }
    }
}

/// The machine dies before what it reserved is on the disk: the label of its first handshake may be used again.
#[test]
fn a_reservation_that_is_lost_costs_one_try() {
    let setup = Setup::default();
    let mut world = World::alike(&setup);
    world.say(0, 1);
    world.pass(200 * SECOND);
    let on_the_disk = world.sides[0].remembered_labels;
    world.restart(0, YEAR, &setup);
    world.say(0, 2);
    world.pass(SECOND);
    assert!(world.sides[0].remembered_labels > on_the_disk);
    world.sides[0].remembered_labels = on_the_disk;
    world.restart(0, YEAR, &setup);
    let packet = world.say(0, 3);
    world.pass(7 * SECOND);
    assert_eq!(world.sides[1].delivered.last(), Some(&packet));
}

#[test]
fn labels_are_remembered_twice_an_hour_at_most() {
    let mut world = World::alike(&Setup::default());
    let mut writes = 0;
    let mut remembered = Duration::ZERO;
    for minute in 0..24 * 60 {
        world.say(0, 1);
        world.pass(Duration::from_secs(60));
        let now = world.sides[0].remembered_labels;
        writes += u32::from(now != remembered);
        assert!(minute == 0 || writes > 0);
        remembered = now;
    }
    assert!((24..=48).contains(&writes), "{writes} in a day");
}

#[test]
fn the_guests_side_can_send_only_what_is_routed() {
    let mut world = World::alike(&Setup::default());
    world.say(0, 1);
    world.pass(SECOND);
    let four = |destination, length| packet("10.0.0.1", destination, length, 0);
    let mut longer = four("10.0.0.2", 100);
    longer.push(0);
    for (packet, reason) in [
        (four("10.0.0.3", 100), DropReason::NoRoute),
        (
            packet_six("fd00::1", "2001:db8::1", 100, 0),
            DropReason::NoRoute,
        ),
        (four("10.0.0.2", 1421), DropReason::TooLarge),
        (four("169.254.75.81", 100), DropReason::Reserved),
        (
            packet("169.254.75.81", "10.0.0.2", 100, 0),
            DropReason::Reserved,
        ),
        (
            packet_six("fd00::1", "fe80::534b", 100, 0),
            DropReason::Reserved,
        ),
        (longer, DropReason::NotIp),
        (vec![], DropReason::NotIp),
        (vec![0x45; 19], DropReason::NotIp),
        (vec![0x65; 39], DropReason::NotIp),
        (vec![0x15; 60], DropReason::NotIp),
        (four("10.0.0.2", 100)[..60].to_vec(), DropReason::NotIp),
    ] {
        assert_eq!(world.send(0, &packet), Sealed::Dropped(reason));
    }
    world.pass(SECOND);
    assert_eq!(world.sides[1].delivered.len(), 1);
}

/// The peer may use the addresses that are its own and no others, though its messages are authentic.
#[test]
fn a_peer_cannot_speak_for_others() {
    let mut world = World::new([
        &Setup {
            peer_lines: "AllowedIPs = 10.0.0.77/32".into(),
            ..Setup::default()
        },
        &Setup::default(),
    ]);
    world.say(0, 1);
    world.pass(SECOND);
    let rejected = packet("10.0.0.77", "10.0.0.2", 80, 0);
    assert!(matches!(
        world.send(0, &packet("10.0.0.1", "10.0.0.2", 80, 0)),
        Sealed::Message { .. }
    ));
    assert!(matches!(world.send(0, &rejected), Sealed::Message { .. }));
    world.pass(SECOND);
    assert_eq!(world.sides[1].delivered.len(), 2);
    let counters = world.sides[1].tunnel.counters();
    assert_eq!(counters.dropped(DropReason::NotAllowed), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the wire does for ten minutes: nothing comes twice, nothing comes changed, and when the weather is fair again,
    /// everything arrives.
    #[test]
    fn bad_weather_passes(
        chance: u64,
        lost in 0..60_u32,
        doubled in 0..40_u32,
        late in 0..100_u32,
        pauses in proptest::collection::vec(0..40_000_u64, 10..60),
    ) {
        let mut world = World::alike(&Setup::default());
        world.set_chance(chance);
        world.weather = Weather { lost, doubled, late };
        let mut said = [Vec::new(), Vec::new()];
        for (number, pause) in pauses.iter().enumerate() {
            let side = usize::from(pause % 3 == 0);
            let mark = u8::try_from(number).expect("few");
            for _ in 0..3 {
                said[side].push(world.say(side, mark));
            }
            world.pass(Duration::from_millis(*pause));
        }
        // The marks tell packets of one side apart but for the three of each.
        for (side, said) in said.iter().enumerate() {
            let delivered = &world.sides[1 - side].delivered;
            for packet in delivered {
                let times = |list: &[Vec<u8>]| list.iter().filter(|other| *other == packet).count();
                prop_assert!(times(delivered) <= times(said));
            }
        }
        world.weather = Weather::default();
        world.pass(Duration::from_secs(200));
        for side in [0, 1] {
            let packet = world.say(side, 200);
            // A try with a leap in its timestamp may have arrived while its answer was lost: then the second is taken.
            world.pass(7 * SECOND);
            prop_assert_eq!(world.sides[1 - side].delivered.last(), Some(&packet));
        }
    }
}

#[test]
fn a_peer_whose_place_was_forged_is_found_where_it_is_configured() {
    let mut world = World::alike(&Setup::default());
    world.say(0, 1);
    world.pass(SECOND);
    // The peer has nothing to say, and says that after a while.
    let keepalive = loop {
        world.pass(Duration::from_millis(5));
        let last = world.history.last().expect("there was a handshake");
        if last.from == world.sides[1].address && last.bytes.len() == 32 {
            break last.bytes.clone();
        }
    };
    // Somebody on the way lets it come from where nobody is, and goes.
    let nowhere = SocketAddr::from(([192, 0, 2, 99], 9));
    world.deliver(0, nowhere, &keepalive);
    let endpoint = |world: &World| {
        let mut peers = world.sides[0].tunnel.peers();
        peers.next().and_then(|peer| peer.endpoint)
    };
    assert_eq!(endpoint(&world), Some(nowhere));
    world.pass(300 * SECOND);
    let packet = world.say(0, 2);
    world.pass(7 * SECOND);
    assert_eq!(world.sides[1].delivered.last(), Some(&packet));
    assert_eq!(endpoint(&world), Some(world.sides[1].address));
}

#[test]
fn the_longest_packet_fills_a_path_to_a_peer() {
    let world = World::alike(&Setup::default());
    let tunnel = &world.sides[0].tunnel;
    let peer = tunnel.peers().next().and_then(|peer| peer.endpoint);
    let ip = peer.expect("it is configured").ip();
    // Headers of IPv4 and UDP, and of the message: 60 bytes; the rest in whole paddings.
    assert!(ip.is_ipv4());
    for (path, packet) in [(1500, 1440), (1400, 1328), (1340, 1280), (576, 512)] {
        assert_eq!(tunnel.longest_packet(ip, path), Some(packet));
    }
    // Whoever says that less gets through is not believed: every host takes so much (RFC 1122, section 3.3.3).
    for path in [575, 68, 59, 0] {
        assert_eq!(tunnel.longest_packet(ip, path), Some(512));
    }
    let stranger = "192.0.2.250".parse().expect("an address");
    assert_eq!(tunnel.longest_packet(stranger, 1400), None);
}
