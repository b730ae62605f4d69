//! Everything together: from the device to the clients and back.

mod inward;
mod outward;

use alloc::{vec, vec::Vec};
use core::net::IpAddr;
use core::time::Duration;

use datagram_api::{Incoming, State};
use shared_memory::Channel;
use virtio::Transport;

use crate::addresses::Addresses;
use crate::arp;
use crate::chance::Chance;
use crate::client::Client;
use crate::counters::{Counters, Reason};
use crate::discovery::Discovery;
use crate::driver::{BrokenDevice, Driver};
use crate::lease::Lease;
use crate::neighbours::{Due, Neighbours};
use crate::notices::{Notice, Notices};
use crate::reassembly::Reassembly;
use crate::receiver::BUFFER_SIZE;
use crate::settings::{Ipv4Setting, Ipv6Setting};
use crate::waiting::WaitingRoom;

/// How long it may take, when nothing else happens, until clients get back what was sent.
const SWEEP: Duration = Duration::from_millis(100);

/// What the manifest says, and chance.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Where the IPv4 address comes from.
    pub ipv4: Ipv4Setting,
    /// Where the IPv6 address comes from.
    pub ipv6: Ipv6Setting,
    /// Where numbers that nobody is to guess come from.
    pub seeds: Seeds,
}

/// Fresh randomness, for each use its own: whoever sees the numbers of one learns nothing of another's.
#[derive(Clone, Copy, Debug)]
pub struct Seeds {
    /// For the numbers of datagrams that are sent in pieces.
    pub identifications: u64,
    /// For transactions with DHCP servers.
    pub leases: u64,
    /// For transactions with DHCPv6 servers.
    pub associations: u64,
}

/// Whether there is more to do already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing, until a signal or the [deadline](Network::deadline).
    Idle,
    /// Another turn is due at once.
    More,
}

/// The network: a device, addresses, clients.
pub struct Network<T> {
    driver: Driver<T>,
    setup: Setup,
    /// For the numbers of datagrams that are sent in pieces: what it makes is seen.
    chance: Chance,
    /// Seeds for every new lease, and for every new association.
    lease_seeds: Chance,
    association_seeds: Chance,
    addresses: Addresses,
    link_is_up: bool,
    lease: Lease,
    discovery: Discovery,
    neighbours: Neighbours,
    clients: Vec<Client>,
    /// Who has the first turn when there is little room.
    first_client: usize,
    waiting: WaitingRoom,
    reassembly: Reassembly,
    /// Of the last datagram that was sent in pieces, the number that they have in common.
    identification: u16,
    counters: Counters,
    notices: Notices,
    /// Grows when headers that were written may be wrong.
    epoch: u64,
    /// When addresses and neighbours have something to do.
    deadline: Option<Duration>,
    deadline_is_stale: bool,
    last_turn: Duration,
    scratch: Vec<u8>,
    /// Frames of this program's own, on their way out.
    out: Vec<Vec<u8>>,
}

impl<T: Transport> Network<T> {
    /// The network over a device that was just started. The moment `now` is on a clock that never goes back.
    pub fn new(driver: Driver<T>, setup: Setup, clients: Vec<Client>, now: Duration) -> Self {
        let mac = driver.mac();
        let mut chance = Chance::new(setup.seeds.identifications);
        let mut lease_seeds = Chance::new(setup.seeds.leases);
        let mut association_seeds = Chance::new(setup.seeds.associations);
        let [a, b, ..] = chance.number().to_be_bytes();
        let identification = u16::from_be_bytes([a, b]);
        let mut network = Self {
            setup,
            addresses: Addresses {
                mac,
                ipv4: None,
                link_local: None,
                ipv6: None,
            },
            link_is_up: driver.link_is_up(),
            lease: Lease::new(setup.ipv4, mac, lease_seeds.number(), now),
            discovery: Discovery::new(setup.ipv6, mac, association_seeds.split(), now),
            neighbours: Neighbours::default(),
            clients,
            first_client: 0,
            waiting: WaitingRoom::default(),
            reassembly: Reassembly::default(),
            identification,
            counters: Counters::default(),
            notices: Notices::default(),
            epoch: 1,
            deadline: Some(now),
            deadline_is_stale: false,
            last_turn: now,
            scratch: vec![0; BUFFER_SIZE],
            out: Vec::new(),
            chance,
            lease_seeds,
            association_seeds,
            driver,
        };
        network.notices.add(Notice::Link(network.link_is_up), now);
        network.renew_addresses(now);
        network
    }

    /// Takes in what came, sends what clients want sent, and does what is due.
    ///
    /// # Errors
    ///
    /// The device broke the rules of its queues and was reset.
    pub fn turn(&mut self, now: Duration) -> Result<Turn, BrokenDevice> {
        let mut turn = self.take_arrivals(now)?;
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.do_what_is_due(now);
        }
        self.take_sent()?;
        if self.send_for_clients(now) == Turn::More {
            turn = Turn::More;
        }
        self.ask_neighbours(now);
        self.send_own();
        let was_full = !self.driver.can_send();
        self.driver.notify();
        if was_full {
            // From here on the device interrupts when there is room, unless there is already.
            self.take_sent()?;
            if self.driver.can_send() {
                turn = Turn::More;
            }
        }
        self.last_turn = now;
        if self.deadline_is_stale {
            self.renew_deadline(now);
        }
        let state = self.state();
        for client in &mut self.clients {
            client.tell_state(state);
        }
        self.notices.report(&self.counters, now);
        Ok(turn)
    }

    /// To be called when the device says that its configuration has changed.
    pub fn look_at_link(&mut self, now: Duration) {
        let link_is_up = self.driver.link_is_up();
        if core::mem::replace(&mut self.link_is_up, link_is_up) == link_is_up {
            return;
        }
        self.notices.add(Notice::Link(link_is_up), now);
        if link_is_up {
            // It may be another network: everything is learned anew.
            let mac = self.addresses.mac;
            self.lease = Lease::new(self.setup.ipv4, mac, self.lease_seeds.number(), now);
            let chance = self.association_seeds.split();
            self.discovery = Discovery::new(self.setup.ipv6, mac, chance, now);
            self.neighbours.clear();
            // What was meant for the old network is not sent on the new one, nor is what came of both put together.
            for _ in self.waiting.take_all() {
                self.drop_for(Reason::NoNeighbour);
            }
            self.reassembly = Reassembly::default();
            self.epoch += 1;
            self.renew_addresses(now);
        }
    }

    /// When the next turn is due without a signal.
    pub fn deadline(&self) -> Option<Duration> {
        let report = self.notices.deadline(&self.counters);
        let is_sending = self.driver.is_sending();
        let sweep = is_sending.then_some(self.last_turn + SWEEP);
        [self.deadline, report, sweep].into_iter().flatten().min()
    }

    /// The clients for whom there is something new; each is answered once.
    pub fn whom_to_wake(&mut self) -> impl Iterator<Item = &Channel> {
        self.clients.iter_mut().filter_map(Client::whom_to_wake)
    }

    /// The next line for the console, if there is one.
    pub fn take_notice(&mut self) -> Option<Notice> {
        self.notices.take()
    }

    /// Has the next notices say how the network is: somebody asks.
    pub fn tell_status(&mut self) {
        self.notices.tell(Notice::Link(self.link_is_up));
        self.notices.tell(Notice::Addresses(self.addresses));
        self.notices.tell(Notice::Counters(self.counters.clone()));
    }

    /// What went through and what was dropped.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The addresses that this machine has now.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    fn state(&self) -> State {
        State {
            has_ipv4: self.addresses.ipv4.is_some(),
            has_ipv6: self.addresses.ipv6.is_some(),
            link_is_up: self.link_is_up,
        }
    }

    fn drop_for(&mut self, reason: Reason) {
        self.counters.drop_for(reason);
    }
}

/// Addresses and neighbours.
impl<T: Transport> Network<T> {
    fn do_what_is_due(&mut self, now: Duration) {
        self.deadline_is_stale = true;
        if self.link_is_up {
            self.lease.poll(None, now, &mut self.out);
            self.discovery.poll(now, &mut self.out);
            self.renew_addresses(now);
        }
    }

    /// Asks for those on the link that are needed, and gives up those who do not answer.
    fn ask_neighbours(&mut self, now: Duration) {
        if !self.deadline_is_stale {
            return;
        }
        while let Some(due) = self.neighbours.due(now) {
            match due {
                Due::Ask(IpAddr::V4(address)) => {
                    self.out.extend(arp::ask(address, &self.addresses));
                }
                Due::Ask(IpAddr::V6(address)) => {
                    self.out
                        .extend(self.discovery.ask(address, &self.addresses));
                }
                Due::Silent(address) => self.give_up(address),
            }
        }
    }

    fn give_up(&mut self, address: IpAddr) {
        self.epoch += 1;
        for waiting in self.waiting.take_those_for(address) {
            self.drop_for(Reason::NoNeighbour);
            if let Some(client) = self.clients.get_mut(waiting.client) {
                // A hint; who has no room for it goes without.
                let _ = client.tell(Incoming::Unreachable { to: waiting.to });
            }
        }
    }

    /// Takes over the addresses that were learned.
    fn renew_addresses(&mut self, now: Duration) {
        let addresses = Addresses {
            mac: self.addresses.mac,
            ipv4: self.lease.current(),
            link_local: self.discovery.link_local(),
            ipv6: self.discovery.current(),
        };
        self.deadline_is_stale = true;
        let before = core::mem::replace(&mut self.addresses, addresses);
        if addresses != before {
            self.epoch += 1;
            self.renew_deadline(now);
        }
        if (addresses.ipv4, addresses.ipv6) != (before.ipv4, before.ipv6) {
            self.notices.add(Notice::Addresses(addresses), now);
        }
    }

    fn renew_deadline(&mut self, now: Duration) {
        self.deadline_is_stale = false;
        let control = if self.link_is_up {
            [self.lease.deadline(now), self.discovery.deadline()]
        } else {
            [None, None]
        };
        let neighbours = self.neighbours.deadline();
        let all = control.into_iter().chain([neighbours]);
        self.deadline = all.flatten().min();
    }
}
