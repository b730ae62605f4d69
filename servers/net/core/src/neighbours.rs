//! Who on the link has which Ethernet address: only of hosts that were asked for.
//!
//! Like RFC 826 and RFC 4861, 7, with less trust: an answer is believed while it is waited for, or when it says
//! what is known already. So nobody on the link can take over an address that is in use, or fill the
//! table.
//!
//! Nor can a client: each has places of its own. It holds one for every host that it needs, also for one that
//! others need too, and when it needs more hosts than that, it gives up its own place of another. A host is
//! forgotten when nobody has a place for it. Hosts that never answered keep theirs until they are given
//! up, as datagrams wait for them; so a client has few of those at a time.

use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use crate::counters::Reason;

/// Hosts that are known or asked for at a time for one client: gateways, and peers on the link.
const MOST_OF_ONE: usize = 16;
/// Those among them that never answered.
const MOST_UNANSWERED: usize = 4;
const _: () = assert!(MOST_UNANSWERED < MOST_OF_ONE);
/// How long an answer holds (RFC 1122, 2.3.2.1).
const LIFETIME: Duration = Duration::from_secs(60);
/// Questions without an answer, and the time between them (RFC 4861, 10).
const QUESTIONS: u8 = 3;
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
struct Neighbour {
    address: IpAddr,
    state: State,
    /// Who has a place for it.
    places: Vec<Place>,
}

/// A client's place for a host.
#[derive(Clone, Copy, Debug)]
struct Place {
    client: usize,
    /// When the client needed the host last.
    needed: Duration,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// It is asked for; meanwhile what was known is used.
    Asked {
        known: Option<[u8; 6]>,
        questions: u8,
        next: Duration,
    },
    Known {
        mac: [u8; 6],
        until: Duration,
    },
}

/// The Ethernet address of a host, and how long it may be used without asking here again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) mac: [u8; 6],
    pub(crate) until: Duration,
}

/// What is to be done at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The host has to be asked.
    Ask(IpAddr),
    /// The host does not answer, and is forgotten.
    Silent(IpAddr),
}

/// The table of neighbours.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    list: Vec<Neighbour>,
}

impl Neighbours {
    /// The host with that address, for a client; if it is not known, it is asked for as soon as [`due`](Self::due) is
    /// called, unless the client waits for too many already.
    pub(crate) fn find(
        &mut self,
        client: usize,
        address: IpAddr,
        now: Duration,
    ) -> Result<Option<Found>, Reason> {
        let neighbour = self.need(client, address, now)?;
        Ok(match neighbour.state {
            State::Known { mac, until } if now < until => Some(Found { mac, until }),
            State::Known { mac, .. } => {
                neighbour.state = State::asked(Some(mac), now);
                let until = now + BETWEEN_QUESTIONS;
                Some(Found { mac, until })
            }
            State::Asked { known, .. } => {
                let until = now + BETWEEN_QUESTIONS;
                known.map(|mac| Found { mac, until })
            }
        })
    }

    /// Somebody says that `address` is at `mac`. Says whether that is news.
    pub(crate) fn learn(&mut self, address: IpAddr, mac: [u8; 6], now: Duration) -> bool {
        let Some(neighbour) = self.entry(address) else {
            return false;
        };
        let before = match neighbour.state {
            State::Asked { known, .. } => known,
            State::Known { mac: known, .. } if known == mac => Some(known),
            State::Known { .. } => return false,
        };
        // The lowest bit of the first byte makes an address one of many devices.
        if mac[0] & 1 != 0 || mac == [0; 6] {
            return false;
        }
        let until = now + LIFETIME;
        neighbour.state = State::Known { mac, until };
        before != Some(mac)
    }

    /// The next thing that is due, if there is one.
    pub(crate) fn due(&mut self, now: Duration) -> Option<Due> {
        let is_due = |neighbour: &Neighbour| neighbour.deadline().is_some_and(|next| next <= now);
        let position = self.list.iter().position(is_due)?;
        let neighbour = &mut self.list[position];
        let address = neighbour.address;
        if let State::Asked {
            questions, next, ..
        } = &mut neighbour.state
            && *questions < QUESTIONS
        {
            *questions += 1;
            *next = now + BETWEEN_QUESTIONS;
            return Some(Due::Ask(address));
        }
        self.list.swap_remove(position);
        Some(Due::Silent(address))
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.list.iter().filter_map(Neighbour::deadline).min()
    }

    /// Forgets everybody.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    fn entry(&mut self, address: IpAddr) -> Option<&mut Neighbour> {
        self.list
            .iter_mut()
            .find(|neighbour| neighbour.address == address)
    }

    /// Notes that the client needs a host, which may be new.
    fn need(
        &mut self,
        client: usize,
        address: IpAddr,
        now: Duration,
    ) -> Result<&mut Neighbour, Reason> {
        let has_place = |neighbour: &mut Neighbour| neighbour.place_of(client).is_some();
        if !self.entry(address).is_some_and(has_place) {
            self.make_room(client, address)?;
        }
        let known = self.list.iter().position(|known| known.address == address);
        let position = known.unwrap_or_else(|| {
            self.list.push(Neighbour {
                address,
                state: State::asked(None, now),
                places: Vec::new(),
            });
            self.list.len() - 1
        });
        let neighbour = &mut self.list[position];
        neighbour.places.retain(|place| place.client != client);
        let needed = now;
        neighbour.places.push(Place { client, needed });
        Ok(neighbour)
    }

    /// Sees to it that the client may have a place for that host: it gives up the one, of a host that has answered,
    /// that it did not need for longest.
    fn make_room(&mut self, client: usize, address: IpAddr) -> Result<(), Reason> {
        let mut count = 0;
        let mut unanswered = 0;
        let mut oldest = None;
        for (position, neighbour) in self.list.iter().enumerate() {
            let Some(place) = neighbour.place_of(client) else {
                continue;
            };
            count += 1;
            if !neighbour.has_answered() {
                unanswered += 1;
            } else if oldest.is_none_or(|(needed, _)| place.needed < needed) {
                oldest = Some((place.needed, position));
            }
        }
        let is_known = self
            .entry(address)
            .is_some_and(|known| known.has_answered());
        if !is_known && unanswered >= MOST_UNANSWERED {
            return Err(Reason::NoNeighbour);
        }
        if count >= MOST_OF_ONE
            && let Some((_, position)) = oldest
        {
            let places = &mut self.list[position].places;
            places.retain(|place| place.client != client);
            if places.is_empty() {
                self.list.swap_remove(position);
            }
        }
        Ok(())
    }
}

impl Neighbour {
    fn place_of(&self, client: usize) -> Option<&Place> {
        self.places.iter().find(|place| place.client == client)
    }

    /// Whether its Ethernet address is known, though it may be asked again. Nothing waits for it then.
    fn has_answered(&self) -> bool {
        !matches!(self.state, State::Asked { known: None, .. })
    }

    fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::Asked { next, .. } => Some(next),
            State::Known { .. } => None,
        }
    }
}

impl State {
    /// To be asked for at once.
    fn asked(known: Option<[u8; 6]>, now: Duration) -> Self {
        Self::Asked {
            known,
            questions: 0,
            next: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];
    const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 8];

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn host(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    fn find(neighbours: &mut Neighbours, address: IpAddr, now: Duration) -> Option<Found> {
        neighbours
            .find(0, address, now)
            .expect("few are waited for")
    }

    #[test]
    fn hosts_are_asked_for_and_answers_hold_for_a_while() {
        let mut neighbours = Neighbours::default();
        assert_eq!(find(&mut neighbours, host(1), seconds(0)), None);
        assert_eq!(neighbours.due(seconds(0)), Some(Due::Ask(host(1))));
        assert_eq!(neighbours.due(seconds(0)), None);
        assert_eq!(neighbours.deadline(), Some(seconds(1)));
        assert!(neighbours.learn(host(1), MAC, seconds(1)));
        assert_eq!(neighbours.deadline(), None);
        let found = Found {
            mac: MAC,
            until: seconds(61),
        };
        assert_eq!(find(&mut neighbours, host(1), seconds(60)), Some(found));
        // Then it is asked again, and used meanwhile.
        let found = Found {
            mac: MAC,
            until: seconds(62),
        };
        assert_eq!(find(&mut neighbours, host(1), seconds(61)), Some(found));
        assert_eq!(neighbours.due(seconds(61)), Some(Due::Ask(host(1))));
        assert!(!neighbours.learn(host(1), MAC, seconds(61)));
        assert_eq!(neighbours.deadline(), None);
    }

    #[test]
    fn the_silent_are_forgotten_after_three_questions() {
        let mut neighbours = Neighbours::default();
        find(&mut neighbours, host(1), seconds(0));
        for second in 0..3 {
            assert_eq!(neighbours.due(seconds(second)), Some(Due::Ask(host(1))));
            assert_eq!(neighbours.due(seconds(second)), None);
        }
        assert_eq!(neighbours.due(seconds(3)), Some(Due::Silent(host(1))));
        assert_eq!(neighbours.deadline(), None);
        assert!(!neighbours.learn(host(1), MAC, seconds(3)));
    }

    #[test]
    fn addresses_in_use_are_not_taken_over() {
        let mut neighbours = Neighbours::default();
        assert!(!neighbours.learn(host(1), MAC, seconds(0)));
        assert_eq!(find(&mut neighbours, host(1), seconds(0)), None);
        assert!(!neighbours.learn(host(1), [0xff; 6], seconds(0)));
        assert!(!neighbours.learn(host(1), [0; 6], seconds(0)));
        assert!(neighbours.learn(host(1), MAC, seconds(0)));
        assert!(!neighbours.learn(host(1), OTHER, seconds(1)));
        let found = find(&mut neighbours, host(1), seconds(2)).expect("known");
        assert_eq!(found.mac, MAC);
        // Once it is asked again, it may have moved.
        find(&mut neighbours, host(1), seconds(60));
        assert!(neighbours.learn(host(1), OTHER, seconds(60)));
    }

    #[test]
    fn the_table_does_not_grow() {
        let mut neighbours = Neighbours::default();
        for number in 0..=255 {
            let now = seconds(u64::from(number));
            find(&mut neighbours, host(number), now);
            find(&mut neighbours, host(0), now);
            neighbours.learn(host(number), MAC, now);
        }
        assert_eq!(neighbours.list.len(), MOST_OF_ONE);
        assert!(neighbours.entry(host(0)).is_some(), "who is needed stays");
    }

    #[test]
    fn a_client_gives_up_only_its_own_places() {
        let mut neighbours = Neighbours::default();
        let known = |neighbours: &mut Neighbours, client, address, now| {
            let found = neighbours.find(client, address, now);
            neighbours.learn(address, MAC, now);
            found
        };
        // The first two hosts are needed by both clients, the third by the first alone, and waited for by both.
        for number in 0..2 {
            assert_eq!(
                known(&mut neighbours, 0, host(number), seconds(0)),
                Ok(None)
            );
            assert!(matches!(
                known(&mut neighbours, 1, host(number), seconds(0)),
                Ok(Some(_))
            ));
        }
        for client in 0..2 {
            assert_eq!(neighbours.find(client, host(2), seconds(0)), Ok(None));
        }
        for number in 3..=255 {
            let now = seconds(u64::from(number));
            assert_eq!(known(&mut neighbours, 1, host(number), now), Ok(None));
        }
        for number in 0..3 {
            let entry = neighbours.entry(host(number)).expect("it is needed");
            assert!(entry.place_of(0).is_some());
            assert_eq!(entry.place_of(1).is_some(), number == 2, "{number}");
        }
        assert_eq!(neighbours.list.len(), 2 + MOST_OF_ONE);
    }

    #[test]
    fn a_client_waits_for_few_at_a_time() {
        let mut neighbours = Neighbours::default();
        for number in 0..4 {
            assert_eq!(neighbours.find(0, host(number), seconds(0)), Ok(None));
        }
        let full = Err(Reason::NoNeighbour);
        assert_eq!(neighbours.find(0, host(4), seconds(0)), full);
        assert_eq!(neighbours.find(0, host(0), seconds(0)), Ok(None));
        // Another client may ask, and for that host the first may not wait either, until it is known.
        assert_eq!(neighbours.find(1, host(4), seconds(0)), Ok(None));
        assert_eq!(neighbours.find(0, host(4), seconds(0)), full);
        neighbours.learn(host(4), MAC, seconds(0));
        assert!(matches!(
            neighbours.find(0, host(4), seconds(0)),
            Ok(Some(_))
        ));
        // One that answers, or is given up, makes room.
        neighbours.learn(host(0), MAC, seconds(0));
        assert_eq!(neighbours.find(0, host(5), seconds(0)), Ok(None));
        assert_eq!(neighbours.find(0, host(6), seconds(0)), full);
    }
}
