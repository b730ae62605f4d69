//! When there are too many handshakes, and who sent them.
//!
//! A handshake costs some hundred thousand instructions, and whoever knows our public key can ask for one from any forged
//! address. As long as there are few, all are looked at. When they become many, only those from places that have shown
//! that they exist, and only a few from each.

use core::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

/// Handshake messages per second that are looked at without a cookie, and at once after a quiet time.
const FREE_PER_SECOND: u32 = 40;
const FREE_AT_ONCE: u32 = 60;
/// Those of one place under load.
const PLACE_PER_SECOND: u32 = 20;
const PLACE_AT_ONCE: u32 = 5;
/// Places that are remembered. With a full table a new place waits until an old one is forgotten.
const PLACES: usize = 128;
/// For so long after the last excess we are under load.
const LOAD_TIME: Duration = Duration::from_secs(1);

/// A bucket that fills by itself and is emptied by what it admits.
#[derive(Clone, Copy)]
struct Bucket {
    /// When it was full, or would have been.
    full_at: Duration,
}

/// The places that were admitted under load, and the bucket for all.
pub(super) struct Load {
    all: Bucket,
    until: Option<Duration>,
    places: [Option<(Place, Bucket)>; PLACES],
}

/// An address, or the network that one host has with IPv6.
type Place = Ipv6Addr;

impl Bucket {
    const fn full(now: Duration) -> Self {
        Self { full_at: now }
    }

    fn is_full(&self, now: Duration) -> bool {
        self.full_at <= now
    }

    /// Whether one more may pass.
    fn admit(&mut self, now: Duration, per_second: u32, at_once: u32) -> bool {
        let cost = Duration::from_secs(1) / per_second;
        let full_at = self.full_at.max(now) + cost;
        let is_admitted = full_at <= now + cost * at_once;
        if is_admitted {
            self.full_at = full_at;
        }
        is_admitted
    }
}

impl Load {
    pub(super) const fn new() -> Self {
        Self {
            all: Bucket::full(Duration::ZERO),
            until: None,
            places: [None; PLACES],
        }
    }

    /// Counts a handshake message that knows our public key. Whether there are too many now.
    pub(super) fn note(&mut self, now: Duration) -> bool {
        if !self.all.admit(now, FREE_PER_SECOND, FREE_AT_ONCE) {
            self.until = Some(now + LOAD_TIME);
        }
        self.until.is_some_and(|until| now < until)
    }

    /// Whether one more message from `address`, which has shown a cookie, may be looked at.
    pub(super) fn admit(&mut self, address: &IpAddr, now: Duration) -> bool {
        let place = place(address);
        let known = self.places.iter_mut().flatten();
        let mut known = known.filter(|(known, _)| *known == place);
        if let Some((_, bucket)) = known.next() {
            return bucket.admit(now, PLACE_PER_SECOND, PLACE_AT_ONCE);
        }
        let is_free = |entry: &&mut Option<(Place, Bucket)>| {
            entry.is_none_or(|(_, bucket)| bucket.is_full(now))
        };
        let Some(free) = self.places.iter_mut().find(is_free) else {
            return false;
        };
        let mut bucket = Bucket::full(now);
        let is_admitted = bucket.admit(now, PLACE_PER_SECOND, PLACE_AT_ONCE);
        *free = Some((place, bucket));
        is_admitted
    }
}

fn place(address: &IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        // Who has one address of a /64 has all of them.
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[test]
    fn a_few_handshakes_are_no_load() {
        let mut load = Load::new();
        assert!((0..FREE_AT_ONCE).all(|_| !load.note(millis(5000))));
        assert!(load.note(millis(5000)));
        assert!(load.note(millis(5990)));
        assert!(!load.note(millis(7000)));
        assert!((0..100).all(|number| !load.note(millis(8000 + number * 26))));
    }

    #[test]
    fn a_place_has_its_share_and_no_more() {
        let mut load = Load::new();
        let one = "192.0.2.1".parse().expect("an address");
        let other = "192.0.2.2".parse().expect("an address");
        assert!((0..PLACE_AT_ONCE).all(|_| load.admit(&one, millis(0))));
        assert!(!load.admit(&one, millis(0)));
        assert!(load.admit(&other, millis(0)));
        assert!(load.admit(&one, millis(50)));
        assert!(!load.admit(&one, millis(50)));
        let six: IpAddr = "2001:db8::1".parse().expect("an address");
        let same_network = "2001:db8::ffff".parse().expect("an address");
        assert!((0..PLACE_AT_ONCE).all(|_| load.admit(&six, millis(0))));
        assert!(!load.admit(&same_network, millis(0)));
    }

    #[test]
    fn the_table_is_bounded_and_forgets() {
        let mut load = Load::new();
        let address = |number| IpAddr::V4(core::net::Ipv4Addr::from_bits(number));
        assert!(
            (0..PLACES)
                .zip(0..)
                .all(|(_, number)| load.admit(&address(number), millis(0)))
        );
        assert!(!load.admit(&address(1000), millis(0)));
        assert!(load.admit(&address(1000), millis(60)));
    }
}
