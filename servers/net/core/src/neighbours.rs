//! Who on the link has which Ethernet address: only of hosts that were asked for.
//!
//! Like RFC 826 and RFC 4861, 7, with less trust: an answer is believed while it is waited for, or when it says
//! what is known already. So nobody on the link can take over an address that is in use, or fill the
//! table.

use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

/// Hosts that are known or asked for at a time: gateways, and peers on the link.
const MOST: usize = 32;
/// How long an answer holds (RFC 1122, 2.3.2.1).
const LIFETIME: Duration = Duration::from_secs(60);
/// Questions without an answer, and the time between them (RFC 4861, 10).
const QUESTIONS: u8 = 3;
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
struct Neighbour {
    address: IpAddr,
    state: State,
    /// When it was needed last.
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
    /// The host with that address; if it is not known, it is asked for as soon as [`due`](Self::due) is called.
    pub(crate) fn find(&mut self, address: IpAddr, now: Duration) -> Option<Found> {
        let Some(neighbour) = self.entry(address) else {
            self.ask(address, now);
            return None;
        };
        neighbour.needed = now;
        match neighbour.state {
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
        }
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

    /// Begins to ask for a host, in the place of the one that was not needed for longest if there are too many.
    fn ask(&mut self, address: IpAddr, now: Duration) {
        if self.list.len() >= MOST {
            let needed = self.list.iter().enumerate();
            let oldest = needed.min_by_key(|(_, neighbour)| neighbour.needed);
            if let Some((position, _)) = oldest {
                self.list.swap_remove(position);
            }
        }
        self.list.push(Neighbour {
            address,
            state: State::asked(None, now),
            needed: now,
        });
    }
}

impl Neighbour {
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

    #[test]
    fn hosts_are_asked_for_and_answers_hold_for_a_while() {
        let mut neighbours = Neighbours::default();
        assert_eq!(neighbours.find(host(1), seconds(0)), None);
        assert_eq!(neighbours.due(seconds(0)), Some(Due::Ask(host(1))));
        assert_eq!(neighbours.due(seconds(0)), None);
        assert_eq!(neighbours.deadline(), Some(seconds(1)));
        assert!(neighbours.learn(host(1), MAC, seconds(1)));
        assert_eq!(neighbours.deadline(), None);
        let found = Found {
            mac: MAC,
            until: seconds(61),
        };
        assert_eq!(neighbours.find(host(1), seconds(60)), Some(found));
        // Then it is asked again, and used meanwhile.
        let found = Found {
            mac: MAC,
            until: seconds(62),
        };
        assert_eq!(neighbours.find(host(1), seconds(61)), Some(found));
        assert_eq!(neighbours.due(seconds(61)), Some(Due::Ask(host(1))));
        assert!(!neighbours.learn(host(1), MAC, seconds(61)));
        assert_eq!(neighbours.deadline(), None);
    }

    #[test]
    fn the_silent_are_forgotten_after_three_questions() {
        let mut neighbours = Neighbours::default();
        neighbours.find(host(1), seconds(0));
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
        assert_eq!(neighbours.find(host(1), seconds(0)), None);
        assert!(!neighbours.learn(host(1), [0xff; 6], seconds(0)));
        assert!(!neighbours.learn(host(1), [0; 6], seconds(0)));
        assert!(neighbours.learn(host(1), MAC, seconds(0)));
        assert!(!neighbours.learn(host(1), OTHER, seconds(1)));
        let found = neighbours.find(host(1), seconds(2)).expect("known");
        assert_eq!(found.mac, MAC);
        // Once it is asked again, it may have moved.
        neighbours.find(host(1), seconds(60));
        assert!(neighbours.learn(host(1), OTHER, seconds(60)));
    }

    #[test]
    fn the_table_does_not_grow() {
        let mut neighbours = Neighbours::default();
        for number in 0..=255 {
            neighbours.find(host(number), seconds(u64::from(number)));
            neighbours.find(host(0), seconds(u64::from(number)));
        }
        assert_eq!(neighbours.list.len(), MOST);
        assert!(neighbours.entry(host(0)).is_some(), "who is needed stays");
    }
}
