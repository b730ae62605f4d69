//! Pieces of packets: later ones pass only behind their first one, which has the ports.

use core::net::IpAddr;
use core::time::Duration;

use super::flows::Owner;

/// Packets whose pieces may be on their way at once.
const PLACES: usize = 64;

/// How long pieces may be behind the first one.
const PATIENCE: Duration = Duration::from_secs(15);

/// What all pieces of a packet share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    pub(super) identification: u32,
}

/// Packets of which the first piece passed; the oldest is forgotten for a new one.
#[derive(Debug)]
pub(super) struct Fragments {
    places: [Option<(Key, Duration, Owner)>; PLACES],
    next: usize,
}

impl Fragments {
    pub(super) fn new() -> Self {
        Self {
            places: [None; PLACES],
            next: 0,
        }
    }

    pub(super) fn add(&mut self, key: Key, owner: Owner, now: Duration) {
        self.places[self.next] = Some((key, now + PATIENCE, owner));
        self.next = (self.next + 1) % PLACES;
    }

    pub(super) fn find(&self, key: &Key, now: Duration) -> Option<Owner> {
        let mut places = self.places.iter().flatten();
        let (_, until, owner) = places.find(|(other, ..)| other == key)?;
        (now < *until).then_some(*owner)
    }
}
