//! Where one client sends to: the headers for each place, and what its path takes.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use shared_memory::RegionReader;

use crate::envelope::Envelope;
use crate::evidence::{Evidence, HEAD_SIZE, Mark};
use crate::icmp;

/// Places that are remembered for a client: a tunnel has a handful of peers.
const MOST: usize = 32;
/// After this the path may have become better (RFC 1191, 6.3; RFC 8201, 4).
const MTU_LIFETIME: Duration = Duration::from_secs(600);
/// Time between two messages to the client about the same trouble with the same place.
const PAUSE: Duration = Duration::from_secs(1);

/// The headers for a place, and for how long they are right.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) envelope: Envelope,
    /// The network's epoch in which they were written.
    pub(crate) epoch: u64,
    pub(crate) until: Duration,
}

/// A place that a client sends to.
#[derive(Debug)]
pub(crate) struct Path {
    to: SocketAddr,
    needed: Duration,
    pub(crate) ready: Option<Ready>,
    /// What was sent there lately.
    evidence: Evidence,
    /// What was heard of the path: bytes of the largest packet, and until when that is believed.
    mtu: Option<(u16, Duration)>,
    next_word: Duration,
}

/// Where a path is among those of its client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathNumber(usize);

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    list: Vec<Path>,
    last: usize,
}

impl Paths {
    /// Where the path to `to` is; it may be new and then takes the place of the one that was not needed for longest.
    pub(crate) fn find(&mut self, to: SocketAddr, now: Duration) -> PathNumber {
        if self.list.get(self.last).is_none_or(|path| path.to != to) {
            let position = self.list.iter().position(|path| path.to == to);
            self.last = position.unwrap_or_else(|| self.add(to, now));
        }
        if let Some(path) = self.list.get_mut(self.last) {
            path.needed = now;
        }
        PathNumber(self.last)
    }

    /// The path that was found just before.
    pub(crate) fn at(&mut self, PathNumber(number): PathNumber) -> Option<&mut Path> {
        self.list.get_mut(number)
    }

    /// The path to `to`, if the client sent there lately.
    pub(crate) fn known(&mut self, to: SocketAddr) -> Option<&mut Path> {
        self.list.iter_mut().find(|path| path.to == to)
    }

    /// Whether the client sent to that host lately.
    pub(crate) fn lead_to(&self, host: IpAddr) -> bool {
        self.list.iter().any(|path| path.to.ip() == host)
    }

    fn add(&mut self, to: SocketAddr, now: Duration) -> usize {
        let path = Path {
            to,
            needed: now,
            ready: None,
            evidence: Evidence::default(),
            mtu: None,
            next_word: Duration::ZERO,
        };
        let places = self.list.iter().enumerate();
        let oldest = places.min_by_key(|(_, path)| path.needed);
        match oldest.map(|(position, _)| position) {
            Some(oldest) if self.list.len() >= MOST => {
                self.list[oldest] = path;
                oldest
            }
            _ => {
                self.list.push(path);
                self.list.len() - 1
            }
        }
    }
}

impl Path {
    /// Bytes of the largest packet that gets through, on a link that takes `link`.
    pub(crate) fn mtu(&mut self, link: u16, now: Duration) -> u16 {
        self.mtu = self.mtu.filter(|(_, until)| now < *until);
        self.mtu.map_or(link, |(mtu, _)| mtu.min(link))
    }

    /// Packets of more than `mtu` bytes do not get through. Says whether that is news.
    pub(crate) fn shrink(&mut self, mtu: u32, link: u16, now: Duration) -> bool {
        let current = self.mtu(link, now);
        match u16::try_from(mtu) {
            Ok(mtu) if mtu < current => {
                self.mtu = Some((mtu, now + MTU_LIFETIME));
                true
            }
            _ => false,
        }
    }

    /// Remembers a datagram of `length` bytes that was sent, if some path does not take it.
    pub(crate) fn note(&mut self, length: u16, payload: &RegionReader) {
        let to = self.to.ip();
        if usize::from(length) + Envelope::overhead(to) <= icmp::least_mtu(to) {
            return;
        }
        let mut head = [0; HEAD_SIZE];
        if payload.read_at(0, &mut head).is_ok() {
            self.evidence.note(Mark { length, head });
        }
    }

    /// Whether that datagram went there lately, and a path of that MTU does not take it.
    pub(crate) fn refused(&self, mark: &Mark, mtu: u32) -> bool {
        let length = usize::from(mark.length) + Envelope::overhead(self.to.ip());
        self.evidence.has(mark) && u32::try_from(length).is_ok_and(|length| mtu < length)
    }

    /// Whether the client can be told of trouble again.
    pub(crate) fn may_tell(&mut self, now: Duration) -> bool {
        let may = self.next_word <= now;
        if may {
            self.next_word = now + PAUSE;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn places_are_found_again_and_the_oldest_forgotten() {
        let mut paths = Paths::default();
        for port in 0..100 {
            paths.find(place(port), seconds(port.into()));
            paths.find(place(0), seconds(port.into()));
        }
        assert_eq!(paths.list.len(), MOST);
        assert!(paths.known(place(0)).is_some());
        assert!(paths.known(place(99)).is_some());
        assert!(paths.known(place(1)).is_none());
    }

    #[test]
    fn paths_shrink_and_recover() {
        let mut paths = Paths::default();
        let number = paths.find(place(1), seconds(0));
        let path = paths.at(number).expect("just found");
        assert_eq!(path.mtu(1500, seconds(0)), 1500);
        assert!(path.shrink(1400, 1500, seconds(0)));
        assert!(!path.shrink(1400, 1500, seconds(1)));
        assert!(!path.shrink(1450, 1500, seconds(1)));
        assert!(!path.shrink(u32::MAX, 1500, seconds(1)));
        assert!(path.shrink(1300, 1500, seconds(2)));
        assert_eq!(path.mtu(1500, seconds(601)), 1300);
        assert_eq!(path.mtu(1500, seconds(602)), 1500);
        assert!(path.may_tell(seconds(5)));
        assert!(!path.may_tell(seconds(5)));
        assert!(path.may_tell(seconds(6)));
    }
}
