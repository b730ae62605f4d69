//! Names are asked for on the guest's behalf, through the tunnel alone.
//!
//! A query leaves with a number and a port of its own that nobody outside can foresee (RFC 5452). If a resolver
//! does not answer, the next one is asked; the first to answer is asked first from then on.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

use super::configuration::RESOLVERS_MAX;
use super::emit;
use super::question::{self, NO_SUCH_NAME, Question, REFUSED, SERVER_FAILURE, Unreadable};
use super::{Blocklist, Refusal};

/// The port of resolvers, and of the gateway as one.
pub(super) const PORT: u16 = 53;

/// Queries on their way at once.
const WAITING_MAX: usize = 64;
/// Bytes of a query; a name and its options take less.
const QUERY_MAX: usize = 512;
/// How long one resolver has.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How often a resolver is asked, all together.
const TRIES_MAX: usize = 4;
/// Ports that queries leave from: above those that a Linux gives its own connections.
const FIRST_PORT: u16 = 61000;

/// A host and its port.
pub(super) type Place = (IpAddr, u16);

/// The queries of the guest that wait for answers.
#[derive(Debug)]
pub(super) struct Names {
    resolvers: Vec<IpAddr>,
    own: (Option<Ipv4Addr>, Option<Ipv6Addr>),
    /// The resolver that answered last.
    preferred: usize,
    waiting: Vec<Waiting>,
}

/// A query on its way.
#[derive(Clone, Debug)]
struct Waiting {
    /// As it leaves, with our number.
    query: Vec<u8>,
    question: Question,
    own_port: u16,
    guest: Place,
    /// The gateway's address that the guest asked.
    service: IpAddr,
    guest_number: [u8; 2],
    resolver: usize,
    tries: usize,
    until: Duration,
}

/// What becomes of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// This packet goes to the guest.
    ToGuest(Vec<u8>),
    /// Another resolver is asked by this packet.
    Again(Vec<u8>),
    /// The answer names something forbidden under this other name; the packet tells the guest that there is
    /// no such name.
    Forbidden(alloc::string::String, Vec<u8>),
    /// Nobody can tell whether something forbidden is named; the packet tells the guest that its query has failed.
    Unreadable(Vec<u8>),
}

/// A query that nobody answered in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// Another resolver is asked by this packet.
    Again(Vec<u8>),
    /// The guest is told by this packet.
    Failed(Vec<u8>),
}

impl Names {
    /// Resolvers of a family in which the guest has no address cannot be reached.
    pub(super) fn new(resolvers: &[IpAddr], own: (Option<Ipv4Addr>, Option<Ipv6Addr>)) -> Self {
        let reachable = |resolver: &&IpAddr| match resolver {
            IpAddr::V4(_) => own.0.is_some(),
            IpAddr::V6(_) => own.1.is_some(),
        };
        let resolvers = resolvers.iter().filter(reachable).take(RESOLVERS_MAX);
        Self {
            resolvers: resolvers.copied().collect(),
            own,
            preferred: 0,
            waiting: Vec::new(),
        }
    }

    /// The resolver of the same family as `other` that is asked first.
    pub(super) fn resolver_like(&self, other: IpAddr) -> Option<IpAddr> {
        let count = self.resolvers.len();
        let ordered = (0..count).map(|index| self.resolvers[(self.preferred + index) % count]);
        ordered
            .into_iter()
            .find(|resolver| resolver.is_ipv4() == other.is_ipv4())
    }

    /// The packet that asks what the guest asks by `query`; none if that is on its way already, or if nobody
    /// can be asked.
    pub(super) fn ask(
        &mut self,
        query: &[u8],
        question: Question,
        (guest, service): (Place, IpAddr),
        random: &mut ChaCha20Rng,
        now: Duration,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let guest_number = [query[0], query[1]];
        let is_repeated = |waiting: &Waiting| {
            waiting.guest == guest
                && waiting.guest_number == guest_number
                && waiting.question == question
        };
        if self.resolvers.is_empty() || self.waiting.iter().any(is_repeated) {
            return Ok(None);
        }
        if query.len() > QUERY_MAX {
            return Err(Refusal::BadName);
        }
        if self.waiting.len() >= WAITING_MAX {
            self.give_one_up()?;
        }
        let mut waiting = Waiting {
            query: query.to_vec(),
            question,
            own_port: 0,
            guest,
            service,
            guest_number,
            resolver: self.preferred,
            tries: 0,
            until: now,
        };
        let packet = waiting.send((&self.resolvers, self.own), random, now);
        self.waiting.push(waiting);
        Ok(packet)
    }

    /// Forgets the query that was repeated and waits for longest, so that names that nobody answers do not keep others
    /// waiting; none that has its first chance.
    fn give_one_up(&mut self) -> Result<(), Refusal> {
        let places = self.waiting.iter().enumerate();
        let repeated = places.filter(|(_, waiting)| waiting.tries > 1);
        let oldest = repeated.min_by_key(|(_, waiting)| (Reverse(waiting.tries), waiting.until));
        let (index, _) = oldest.ok_or(Refusal::Full)?;
        self.waiting.swap_remove(index);
        Ok(())
    }

    /// Looks at a UDP datagram from outside; none if it answers no query. Where names are forbidden, no answer passes that
    /// cannot be read.
    pub(super) fn answered(
        &mut self,
        (from, own_port): (Place, u16),
        answer: &[u8],
        list: Option<&Blocklist>,
        random: &mut ChaCha20Rng,
        now: Duration,
    ) -> Option<Answer> {
        let mut code = 0;
        let index = self.waiting.iter().position(|waiting| {
            let is_from = (self.resolvers[waiting.resolver], PORT) == from;
            let found = question::code_of_answer(answer, &waiting.query, waiting.question.end);
            code = found.unwrap_or_default();
            is_from && waiting.own_port == own_port && found.is_some()
        })?;
        let reach = (&self.resolvers[..], self.own);
        let waiting = &mut self.waiting[index];
        if [SERVER_FAILURE, REFUSED].contains(&code) && waiting.tries < self.resolvers.len() {
            waiting.resolver = (waiting.resolver + 1) % self.resolvers.len();
            return waiting.send(reach, random, now).map(Answer::Again);
        }
        self.preferred = waiting.resolver;
        let waiting = self.waiting.swap_remove(index);
        let list = list.filter(|list| list.counts().0 > 0);
        let forbidden = list.map_or(Ok(None), |list| {
            let is_forbidden = |name: &str| list.forbids_name(name);
            question::forbidden_alias(answer, waiting.question.end, is_forbidden)
        });
        let without_records =
            |code| question::empty_answer(&waiting.query, &waiting.question, code);
        match forbidden {
            Ok(None) => waiting.to_guest(answer.to_vec()).map(Answer::ToGuest),
            Ok(Some(name)) => {
                let packet = waiting.to_guest(without_records(NO_SUCH_NAME))?;
                Some(Answer::Forbidden(name, packet))
            }
            Err(Unreadable) => {
                let packet = waiting.to_guest(without_records(SERVER_FAILURE))?;
                Some(Answer::Unreadable(packet))
            }
        }
    }

    /// When somebody will have waited too long.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.waiting.iter().map(|waiting| waiting.until).min()
    }

    /// What is to be done about one query that waited too long; called until there is none.
    pub(super) fn late(&mut self, random: &mut ChaCha20Rng, now: Duration) -> Option<Late> {
        let index = self
            .waiting
            .iter()
            .position(|waiting| waiting.until <= now)?;
        let reach = (&self.resolvers[..], self.own);
        let tries = TRIES_MAX.max(self.resolvers.len());
        let waiting = &mut self.waiting[index];
        if waiting.tries < tries {
            waiting.resolver = (waiting.resolver + 1) % self.resolvers.len();
            if let Some(packet) = waiting.send(reach, random, now) {
                return Some(Late::Again(packet));
            }
        }
        let waiting = self.waiting.swap_remove(index);
        let answer = question::empty_answer(&waiting.query, &waiting.question, SERVER_FAILURE);
        waiting.to_guest(answer).map(Late::Failed)
    }
}

impl Waiting {
    /// The packet that asks the query's resolver, under a new number and from a new port.
    fn send(
        &mut self,
        (resolvers, own): (&[IpAddr], (Option<Ipv4Addr>, Option<Ipv6Addr>)),
        random: &mut ChaCha20Rng,
        now: Duration,
    ) -> Option<Vec<u8>> {
        let [a, b, c, d] = random.next_u32().to_le_bytes();
        let ports = u16::MAX - FIRST_PORT;
        self.own_port = FIRST_PORT + u16::from_le_bytes([a, b]) % ports;
        self.query[..2].copy_from_slice(&[c, d]);
        self.tries += 1;
        self.until = now + PATIENCE;
        let resolver = *resolvers.get(self.resolver)?;
        let own: IpAddr = match resolver {
            IpAddr::V4(_) => own.0?.into(),
            IpAddr::V6(_) => own.1?.into(),
        };
        emit::udp((own, self.own_port), (resolver, PORT), &self.query)
    }

    /// The packet with an answer to the guest.
    fn to_guest(&self, mut answer: Vec<u8>) -> Option<Vec<u8>> {
        answer.get_mut(..2)?.copy_from_slice(&self.guest_number);
        emit::udp((self.service, PORT), self.guest, &answer)
    }
}

/// The packet that tells the guest that there is no such name.
pub(super) fn no_such_name(
    query: &[u8],
    question: &Question,
    (guest, service): (Place, IpAddr),
) -> Option<Vec<u8>> {
    let answer = question::empty_answer(query, question, NO_SUCH_NAME);
    emit::udp((service, PORT), guest, &answer)
}
