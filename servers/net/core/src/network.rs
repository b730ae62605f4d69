//! Everything together: from the device to the clients and back.

use alloc::{vec, vec::Vec};
use core::net::IpAddr;
use core::time::Duration;

use datagram_api::{Incoming, State};
use shared_memory::Channel;
use virtio::Transport;

use crate::addresses::{Addresses, NoRoute};
use crate::arp;
use crate::arrival::{Arrival, HEAD_SIZE, Payload, sort};
use crate::checksum::Sum;
use crate::client::{Client, Taken};
use crate::counters::{Counters, Reason};
use crate::discovery::{Discovery, Found};
use crate::driver::{BrokenDevice, Driver};
use crate::envelope::{Envelope, Filling};
use crate::icmp::{self, Trouble, TroubleKind};
use crate::lease::Lease;
use crate::neighbours::{Due, Neighbours};
use crate::notices::{Notice, Notices};
use crate::paths::Ready;
use crate::receiver::{BUFFER_SIZE, Received};
use crate::settings::{Ipv4Setting, Ipv6Setting};
use crate::transmitter::{Piece, Token};
use crate::waiting::{Waiting, WaitingRoom};

/// Frames that are taken in before clients have their turn.
const MOST_ARRIVALS: usize = 256;
/// Datagrams of a client that are sent before the next has its turn.
const MOST_DEPARTURES: usize = 64;

/// What the manifest says, and chance.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Where the IPv4 address comes from.
    pub ipv4: Ipv4Setting,
    /// Where the IPv6 address comes from.
    pub ipv6: Ipv6Setting,
    /// Fresh randomness for the numbers of DHCP's transactions.
    pub seed: u64,
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
    addresses: Addresses,
    link_is_up: bool,
    lease: Lease,
    discovery: Discovery,
    neighbours: Neighbours,
    clients: Vec<Client>,
    waiting: WaitingRoom,
    counters: Counters,
    notices: Notices,
    /// Grows when headers that were written may be wrong.
    epoch: u64,
    /// When addresses and neighbours have something to do.
    deadline: Option<Duration>,
    deadline_is_stale: bool,
    scratch: Vec<u8>,
    /// Frames of this program's own, on their way out.
    out: Vec<Vec<u8>>,
}

impl<T: Transport> Network<T> {
    /// The network over a device that was just started. The moment `now` is on a clock that never goes back.
    pub fn new(driver: Driver<T>, setup: Setup, clients: Vec<Client>, now: Duration) -> Self {
        let mac = driver.mac();
        let mut network = Self {
            setup,
            addresses: Addresses {
                mac,
                ipv4: None,
                link_local: None,
                ipv6: None,
            },
            link_is_up: driver.link_is_up(),
            lease: Lease::new(setup.ipv4, mac, setup.seed, now),
            discovery: Discovery::new(setup.ipv6, mac, now),
            neighbours: Neighbours::default(),
            clients,
            waiting: WaitingRoom::default(),
            counters: Counters::default(),
            notices: Notices::default(),
            epoch: 1,
            deadline: Some(now),
            deadline_is_stale: false,
            scratch: vec![0; BUFFER_SIZE],
            out: Vec::new(),
            driver,
        };
        network.notices.add(Notice::Link(network.link_is_up));
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
        self.driver.notify();
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
        self.notices.add(Notice::Link(link_is_up));
        if link_is_up {
            // It may be another network: everything is learned anew.
            let mac = self.addresses.mac;
            let seed = self.setup.seed.wrapping_add(self.epoch);
            self.lease = Lease::new(self.setup.ipv4, mac, seed, now);
            self.discovery = Discovery::new(self.setup.ipv6, mac, now);
            self.neighbours.clear();
            self.epoch += 1;
            self.renew_addresses(now);
        }
    }

    /// When the next turn is due without a signal.
    pub fn deadline(&self) -> Option<Duration> {
        let report = self.notices.deadline(&self.counters);
        [self.deadline, report].into_iter().flatten().min()
    }

    /// The clients for whom there is something new; each is answered once.
    pub fn whom_to_wake(&mut self) -> impl Iterator<Item = &Channel> {
        self.clients.iter_mut().filter_map(Client::whom_to_wake)
    }

    /// The next line for the console, if there is one.
    pub fn take_notice(&mut self) -> Option<Notice> {
        self.notices.take()
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

/// In.
impl<T: Transport> Network<T> {
    fn take_arrivals(&mut self, now: Duration) -> Result<Turn, BrokenDevice> {
        for _ in 0..MOST_ARRIVALS {
            let Some(received) = self.driver.receive()? else {
                return Ok(Turn::Idle);
            };
            let taken = self.take_arrival(&received, now);
            self.driver.recycle(received);
            match taken {
                Ok(()) => {}
                Err(reason) => self.drop_for(reason),
            }
        }
        Ok(Turn::More)
    }

    fn take_arrival(&mut self, received: &Received, now: Duration) -> Result<(), Reason> {
        let frame = self.driver.frame(received);
        let mut head = [0; HEAD_SIZE];
        let head = &mut head[..frame.len().min(HEAD_SIZE)];
        frame.read_at(0, head).map_err(|_| Reason::Malformed)?;
        match sort(head, frame.len(), &self.addresses)? {
            Arrival::Payload(payload) => self.deliver(received, &payload),
            arrival => {
                let mut whole = core::mem::take(&mut self.scratch);
                let length = frame.len().min(whole.len());
                let read = frame.read_at(0, &mut whole[..length]);
                let taken = match read {
                    Ok(()) => self.take_control(&whole[..length], arrival, now),
                    Err(_) => Err(Reason::Malformed),
                };
                self.scratch = whole;
                taken
            }
        }
    }

    fn deliver(&mut self, received: &Received, payload: &Payload) -> Result<(), Reason> {
        let frame = self.driver.frame(received);
        let mut clients = self.clients.iter_mut();
        let client = clients.find(|client| client.port() == payload.port);
        let client = client.ok_or(Reason::NoClient)?;
        if let Some(sum) = payload.sum
            && !received.checksum_is_good
        {
            let rest = frame.sum_at(payload.start, payload.length);
            let rest = rest.map_err(|_| Reason::Malformed)?;
            if !sum.and_region(rest).is_good() {
                return Err(Reason::BadChecksum);
            }
        }
        client.deliver(payload.from, &frame, payload.start, payload.length)?;
        self.counters.received += 1;
        Ok(())
    }

    fn take_control(
        &mut self,
        frame: &[u8],
        arrival: Arrival,
        now: Duration,
    ) -> Result<(), Reason> {
        self.deadline_is_stale = true;
        match arrival {
            Arrival::Payload(_) => Ok(()),
            Arrival::Arp => {
                if let Some((address, mac)) = arp::answer(frame, &self.addresses) {
                    self.learn(address, mac, now);
                }
                self.lease.poll(Some(frame), now, &mut self.out);
                self.send_own();
                Ok(())
            }
            Arrival::Dhcp => {
                if self.setup.ipv4 != Ipv4Setting::Dhcp {
                    return Err(Reason::OtherProtocol);
                }
                self.lease.poll(Some(frame), now, &mut self.out);
                self.renew_addresses(now);
                Ok(())
            }
            Arrival::Discovery => {
                match self.discovery.take(frame, &self.addresses, now) {
                    Found::Nothing => return Err(Reason::NotForUs),
                    Found::Answer(answer) => self.out.push(answer),
                    Found::Neighbour { address, mac } => self.learn(address, mac, now),
                    Found::Router => self.renew_addresses(now),
                }
                self.send_own();
                Ok(())
            }
            Arrival::Icmp { ip, message, end } => {
                let packet = frame.get(ip..end).ok_or(Reason::Malformed)?;
                let trouble = icmp::trouble(packet, message - ip)?;
                self.pass_on(&trouble, now)
            }
        }
    }

    /// Tells the client concerned of trouble with a datagram that it sent lately.
    fn pass_on(&mut self, trouble: &Trouble, now: Duration) -> Result<(), Reason> {
        if !self.addresses.has(trouble.from) {
            return Err(Reason::UselessError);
        }
        let link = self.driver.mtu();
        let mut clients = self.clients.iter_mut();
        let client = clients.find(|client| client.port() == trouble.port);
        let client = client.ok_or(Reason::UselessError)?;
        let path = client.paths.known(trouble.to);
        let path = path.ok_or(Reason::UselessError)?;
        let (is_news, word) = match trouble.kind {
            TroubleKind::TooLarge { mtu } => {
                let address = trouble.to.ip();
                let is_news = path.shrink(mtu, link, now);
                (is_news, Incoming::PathMtu { address, mtu })
            }
            TroubleKind::Unreachable => {
                let word = Incoming::Unreachable { to: trouble.to };
                (path.may_tell(now), word)
            }
        };
        if !is_news {
            return Err(Reason::UselessError);
        }
        client.tell(word)
    }

    fn learn(&mut self, address: IpAddr, mac: [u8; 6], now: Duration) {
        if !self.neighbours.learn(address, mac, now) {
            return;
        }
        self.epoch += 1;
        for waiting in self.waiting.take_those_for(address) {
            if let Err(reason) = self.send_waiting(&waiting, mac) {
                self.drop_for(reason);
            }
        }
    }
}

/// Out.
impl<T: Transport> Network<T> {
    fn take_sent(&mut self) -> Result<(), BrokenDevice> {
        while let Some(Token(token)) = self.driver.take_sent()? {
            let [place, client, ..] = token.to_le_bytes();
            if let Some(client) = self.clients.get_mut(usize::from(client)) {
                client.done(place);
            }
        }
        Ok(())
    }

    fn send_for_clients(&mut self, now: Duration) -> Turn {
        let mut turn = Turn::Idle;
        for index in 0..self.clients.len() {
            let mut left = MOST_DEPARTURES;
            while left > 0 && self.driver.can_send() {
                let client = &mut self.clients[index];
                match client.take() {
                    Ok(None) => break,
                    Ok(Some(taken)) => self.send_or_drop(index, &taken, now),
                    Err(_) => self.notices.add(Notice::CutOff(client.name())),
                }
                left -= 1;
            }
            if left == 0 {
                turn = Turn::More;
            }
        }
        turn
    }

    fn send_or_drop(&mut self, index: usize, taken: &Taken, now: Duration) {
        match self.send(index, taken, now) {
            Ok(Departure::OnItsWay) => self.counters.sent += 1,
            Ok(Departure::Copied) => self.clients[index].done(taken.place),
            Err(reason) => {
                self.drop_for(reason);
                self.clients[index].done(taken.place);
            }
        }
    }

    fn send(&mut self, index: usize, taken: &Taken, now: Duration) -> Result<Departure, Reason> {
        let Self {
            driver,
            clients,
            neighbours,
            waiting,
            ..
        } = self;
        let client = &mut clients[index];
        let (to, length) = (taken.outgoing.to, taken.outgoing.length);
        let payload = client.payload(&taken.outgoing);
        let from_port = client.port();
        let path = client.paths.to(to, now).ok_or(Reason::NotSendable)?;
        let link = driver.mtu();
        let mtu = path.mtu(link, now);
        if length + Envelope::overhead(to.ip()) > usize::from(mtu) {
            if path.may_tell(now) {
                let (address, mtu) = (to.ip(), u32::from(mtu));
                // Who has no room for the word hears it the next time.
                let _ = client.tell(Incoming::PathMtu { address, mtu });
            }
            return Err(Reason::TooLarge);
        }
        let epoch = self.epoch;
        let is_right = |ready: &Ready| ready.epoch == epoch && now < ready.until;
        if !path.ready.as_ref().is_some_and(is_right) {
            path.ready = None;
            if to.port() == 0 {
                return Err(Reason::NotSendable);
            }
            let route = self.addresses.route(to.ip()).map_err(|error| match error {
                NoRoute::Impossible => Reason::NotSendable,
                NoRoute::NotYet => Reason::NoAddress,
            })?;
            self.deadline_is_stale = true;
            let Some(found) = neighbours.find(route.next_hop, now) else {
                waiting.add(index, taken.outgoing.to, route, &payload)?;
                return Ok(Departure::Copied);
            };
            let from = (route.source, from_port).into();
            let devices = (self.addresses.mac, found.mac);
            let envelope = Envelope::new(devices, from, to).ok_or(Reason::NotSendable)?;
            let until = found.until;
            path.ready = Some(Ready {
                envelope,
                epoch,
                until,
            });
        }
        let ready = path.ready.as_ref().ok_or(Reason::NoNeighbour)?;
        let filling = if driver.fills_in_checksums() {
            Filling::Device
        } else {
            let sum = payload.sum_at(0, length).map_err(|_| Reason::NotSendable)?;
            Filling::Here(Sum::default().and_region(sum))
        };
        let short = u16::try_from(length).map_err(|_| Reason::TooLarge)?;
        let addressed = ready.envelope.address(short, filling);
        let piece = Piece {
            address: payload.physical_address(0).ok_or(Reason::NotSendable)?,
            length: u32::from(short),
        };
        let client_number = u8::try_from(index).map_err(|_| Reason::NotSendable)?;
        let token = Token(u32::from_le_bytes([taken.place, client_number, 0, 0]));
        let sent = driver.send(addressed.bytes(), addressed.checksum, piece, token);
        sent.map_err(|_| Reason::DeviceIsFull)?;
        Ok(Departure::OnItsWay)
    }

    /// Sends what was copied while its next hop was asked for.
    fn send_waiting(&mut self, waiting: &Waiting, mac: [u8; 6]) -> Result<(), Reason> {
        let client = self.clients.get(waiting.client).ok_or(Reason::NoClient)?;
        let from = (waiting.source, client.port()).into();
        let devices = (self.addresses.mac, mac);
        let envelope = Envelope::new(devices, from, waiting.to).ok_or(Reason::NotSendable)?;
        let length = u16::try_from(waiting.payload.len()).map_err(|_| Reason::TooLarge)?;
        let filling = Filling::Here(Sum::of(&waiting.payload));
        let addressed = envelope.address(length, filling);
        let sent = self
            .driver
            .send_copy(&[addressed.bytes(), &waiting.payload]);
        sent.map_err(|_| Reason::DeviceIsFull)?;
        self.counters.sent += 1;
        Ok(())
    }

    fn send_own(&mut self) {
        for frame in core::mem::take(&mut self.out) {
            if self.driver.send_copy(&[&frame]).is_err() {
                self.drop_for(Reason::DeviceIsFull);
            }
        }
    }
}

/// What became of a client's datagram.
enum Departure {
    /// The device reads it.
    OnItsWay,
    /// It was copied, and waits.
    Copied,
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
            self.notices.add(Notice::Addresses(addresses));
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
