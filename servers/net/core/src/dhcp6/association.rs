//! The address that a DHCPv6 server gave this machine, and how it is got and kept (RFC 8415, section 18.2).
//!
//! Nobody on the link shows who he is. So an answer is believed only if it has the number of the question that is being asked, is
//! for this client, and comes from the server that is meant, if one is; all else is dropped and counted. Who sees the
//! questions can lie, as a router can.

use alloc::vec::Vec;
use core::net::Ipv6Addr;
use core::time::Duration;

use super::answer::{Answer, AnswerKind, Grant, Status};
use super::pace::{Pace, Rate, Spread};
use super::question::{Kind, Question, identifier};
use crate::chance::Chance;
use crate::counters::Reason;

/// How often each question is asked (section 7.6).
const SOLICIT: Rate = Rate {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(3600),
    spread: Spread::Up,
};
const REQUEST: Rate = Rate {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(30),
    spread: Spread::Both,
};
const RENEW: Rate = Rate {
    first: Duration::from_secs(10),
    longest: Duration::from_secs(600),
    spread: Spread::Both,
};
const DECLINE: Rate = Rate {
    first: Duration::from_secs(1),
    // There is no longest; the last of the few pauses is half of this.
    longest: Duration::from_secs(16),
    spread: Spread::Both,
};
/// A server that made an offer is asked so often, and one that gave what somebody else has is told so often (section 7.6).
const MOST_REQUESTS: u32 = 10;
const MOST_DECLINES: u32 = 4;
/// The first question waits for up to this time, so that machines that start together do not ask together.
const LONGEST_DELAY: Duration = Duration::from_secs(1);
/// That time doubles each time that an offer comes to nothing, so often at most (section 14.1).
const MOST_SETBACKS: u32 = 7;
/// A server whom everybody is to choose.
const CHOSEN_AT_ONCE: u8 = 255;
/// However early servers want to be asked again, not before this.
const EARLIEST_RENEWAL: Duration = Duration::from_secs(5);
/// Lifetimes of so many seconds never end (section 7.7).
const FOR_EVER: u32 = u32::MAX;

/// An address that this machine may use.
#[derive(Clone, Debug)]
struct Binding {
    address: Ipv6Addr,
    server: Vec<u8>,
    /// When the server is asked to prolong it (T1), anybody is (T2), and it ends; none is never.
    renew: Option<Duration>,
    rebind: Option<Duration>,
    end: Option<Duration>,
}

/// What a server would give.
#[derive(Clone, Debug)]
struct Offer {
    server: Vec<u8>,
    address: Ipv6Addr,
    preference: u8,
}

/// What is being asked.
#[derive(Clone, Debug)]
enum Aim {
    /// For offers; the best so far.
    Solicit(Option<Offer>),
    /// For what was offered.
    Request(Offer),
    /// For more time, of the server that gave the address.
    Renew,
    /// For more time, of any.
    Rebind,
    /// For nothing: that it be taken back.
    Decline(Offer),
}

/// A question that is not answered yet.
#[derive(Clone, Debug)]
struct Exchange {
    aim: Aim,
    transaction: [u8; 3],
    /// When it was asked first.
    begun: Option<Duration>,
    pace: Pace,
}

/// The address, and what is asked for it.
pub(crate) struct Association {
    mac: [u8; 6],
    chance: Chance,
    binding: Option<Binding>,
    exchange: Option<Exchange>,
    /// The longest time between two questions for offers, which servers may change (section 21.24).
    longest_solicit: Duration,
    /// How many offers came to nothing since there was an address that nobody else had.
    setbacks: u32,
}

impl Association {
    pub(crate) fn new(mac: [u8; 6], chance: Chance) -> Self {
        Self {
            mac,
            chance,
            binding: None,
            exchange: None,
            longest_solicit: SOLICIT.longest,
            setbacks: 0,
        }
    }

    /// The address, while there is one.
    pub(crate) fn address(&self) -> Option<Ipv6Addr> {
        self.binding.as_ref().map(|binding| binding.address)
    }

    /// Does what is due; a new address is looked for only if it `is_wanted`. The message is to be sent to all servers.
    pub(crate) fn poll(&mut self, is_wanted: bool, now: Duration) -> Option<Vec<u8>> {
        let has_ended = |binding: &Binding| binding.end.is_some_and(|end| end <= now);
        if self.binding.as_ref().is_some_and(has_ended) {
            self.binding = None;
            self.exchange = None;
        }
        self.give_up_silent_server(now);
        let aim = self.exchange.as_ref().map(|exchange| &exchange.aim);
        match &self.binding {
            None if !is_wanted && !matches!(aim, Some(Aim::Decline(_))) => self.exchange = None,
            None if self.exchange.is_none() => self.solicit(now),
            _ => {}
        }
        self.choose_offer(now);
        if let Some((due, aim)) = self.next_prolongation()
            && due <= now
        {
            self.begin(aim, RENEW, now);
        }
        self.ask(now)
    }

    /// Another host has the address: it goes back to who gave it (section 18.2.8); then one is looked for, each time after
    /// a longer while, so that who claims all addresses does not use up the server's.
    pub(crate) fn decline(&mut self, now: Duration) {
        let Some(binding) = self.binding.take() else {
            return;
        };
        self.setbacks = (self.setbacks + 1).min(MOST_SETBACKS);
        let offer = Offer {
            server: binding.server,
            address: binding.address,
            preference: 0,
        };
        self.begin(Aim::Decline(offer), DECLINE, now);
    }

    /// No other host has the address.
    pub(crate) fn keep(&mut self) {
        self.setbacks = 0;
    }

    /// When [`poll`](Self::poll) is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let question = self.exchange.as_ref().map(|exchange| exchange.pace.next);
        let end = self.binding.as_ref().and_then(|binding| binding.end);
        let prolongation = self.next_prolongation().map(|(due, _)| due);
        [question, end, prolongation].into_iter().flatten().min()
    }

    /// Takes an answer; then [`poll`](Self::poll) is due.
    pub(crate) fn take(&mut self, message: &[u8], now: Duration) -> Result<(), Reason> {
        let answer = Answer::parse(message).map_err(|_| Reason::Malformed)?;
        let asked = self.exchange.as_ref().filter(|asked| asked.begun.is_some());
        let asked = asked.ok_or(Reason::Unasked)?;
        let of_binding = self.binding.as_ref().map(|binding| &binding.server);
        let is_answer = answer.transaction == asked.transaction
            && answer.client == identifier(self.mac)
            && match (&asked.aim, answer.kind) {
                (Aim::Solicit(_), AnswerKind::Advertise) => true,
                (Aim::Solicit(_), AnswerKind::Reply) => answer.is_rapid,
                (_, AnswerKind::Advertise) => false,
                (Aim::Request(offer) | Aim::Decline(offer), AnswerKind::Reply) => {
                    answer.server == offer.server
                }
                (Aim::Renew, AnswerKind::Reply) => of_binding.is_some_and(|of| answer.server == of),
                (Aim::Rebind, AnswerKind::Reply) => true,
            };
        if !is_answer {
            return Err(Reason::Unasked);
        }
        if let Some(seconds) = answer.longest_solicit {
            self.longest_solicit = Duration::from_secs(seconds.into());
        }
        match answer.kind {
            AnswerKind::Advertise => self.consider(&answer, now),
            AnswerKind::Reply => self.obey(&answer, now),
        }
    }

    /// An offer: the best of those that come within the first pause is chosen, or after it the first (section 18.2.9).
    fn consider(&mut self, answer: &Answer<'_>, now: Duration) -> Result<(), Reason> {
        let grant = usable(answer)?;
        let Some(Exchange {
            aim: Aim::Solicit(best),
            pace,
            ..
        }) = &mut self.exchange
        else {
            return Err(Reason::Unasked);
        };
        if best
            .as_ref()
            .is_none_or(|best| best.preference < answer.preference)
        {
            *best = Some(Offer {
                server: answer.server.to_vec(),
                address: grant.address,
                preference: answer.preference,
            });
        }
        if answer.preference == CHOSEN_AT_ONCE || pace.count > 1 {
            pace.next = now;
        }
        Ok(())
    }

    /// A promise, or that there is none (section 18.2.10).
    fn obey(&mut self, answer: &Answer<'_>, now: Duration) -> Result<(), Reason> {
        let aim = self.exchange.as_ref().map(|exchange| &exchange.aim);
        match (answer.status, aim) {
            // It has heard, and there is nothing more to say.
            (_, Some(Aim::Decline(_))) => {
                self.exchange = None;
                Ok(())
            }
            (Status::SUCCESS, _) => self.bind(answer, now),
            // Offered and not given: on to another, not too fast.
            (Status::NO_ADDRESSES | Status::NOT_ON_LINK, Some(Aim::Request(_))) => {
                self.setbacks = (self.setbacks + 1).min(MOST_SETBACKS);
                self.solicit(now);
                Ok(())
            }
            // Forgotten by who gave it: asked for as if it were offered.
            (Status::NO_BINDING, Some(Aim::Renew | Aim::Rebind)) => {
                let address = self.address().ok_or(Reason::Unasked)?;
                let offer = Offer {
                    server: answer.server.to_vec(),
                    address,
                    preference: 0,
                };
                self.begin(Aim::Request(offer), REQUEST, now);
                Ok(())
            }
            // What else may be wrong with the server passes; it is asked again in time.
            _ => Err(Reason::UselessGrant),
        }
    }

    fn bind(&mut self, answer: &Answer<'_>, now: Duration) -> Result<(), Reason> {
        if let Some(grant) = answer.grant
            && grant.valid == 0
            && self.address() == Some(grant.address)
        {
            // It was this machine's, and is taken away.
            self.binding = None;
            self.solicit(now);
            return Ok(());
        }
        let grant = usable(answer)?;
        let (renew, rebind) = prolongations(&grant);
        self.binding = Some(Binding {
            address: grant.address,
            server: answer.server.to_vec(),
            renew: renew.map(|renew| now + renew),
            rebind: rebind.map(|rebind| now + rebind),
            end: lifetime(grant.valid).map(|valid| now + valid),
        });
        self.exchange = None;
        Ok(())
    }

    /// A server that does not answer any more, whose offer was taken up or who is told that its address is somebody's, is
    /// asked no longer (sections 18.2.2 and 18.2.8).
    fn give_up_silent_server(&mut self, now: Duration) {
        let Some(exchange) = &self.exchange else {
            return;
        };
        let (most, setback) = match exchange.aim {
            Aim::Request(_) => (MOST_REQUESTS, 1),
            // That was one when it was found out.
            Aim::Decline(_) => (MOST_DECLINES, 0),
            _ => return,
        };
        if exchange.pace.count >= most && exchange.pace.next <= now {
            self.exchange = None;
            self.setbacks = (self.setbacks + setback).min(MOST_SETBACKS);
        }
    }

    /// Takes the best offer up when its time has come.
    fn choose_offer(&mut self, now: Duration) {
        if let Some(exchange) = &mut self.exchange
            && exchange.pace.next <= now
            && let Aim::Solicit(best) = &mut exchange.aim
            && let Some(offer) = best.take()
        {
            self.begin(Aim::Request(offer), REQUEST, now);
        }
    }

    /// When more time is to be asked for next, and of whom.
    fn next_prolongation(&self) -> Option<(Duration, Aim)> {
        let binding = self.binding.as_ref()?;
        let rebind = binding.rebind.map(|rebind| (rebind, Aim::Rebind));
        match self.exchange.as_ref().map(|exchange| &exchange.aim) {
            None => match (binding.renew, rebind) {
                (Some(renew), Some((at, _))) if at <= renew => Some((at, Aim::Rebind)),
                (Some(renew), _) => Some((renew, Aim::Renew)),
                (None, rebind) => rebind,
            },
            Some(Aim::Renew) => rebind,
            Some(_) => None,
        }
    }

    fn solicit(&mut self, now: Duration) {
        let delay = LONGEST_DELAY * 2u32.pow(self.setbacks) * self.chance.thousandths() / 1000;
        let rate = Rate {
            longest: self.longest_solicit,
            ..SOLICIT
        };
        self.begin(Aim::Solicit(None), rate, now + delay);
    }

    fn begin(&mut self, aim: Aim, rate: Rate, start: Duration) {
        let [a, b, c, ..] = self.chance.number().to_be_bytes();
        self.exchange = Some(Exchange {
            aim,
            transaction: [a, b, c],
            begun: None,
            pace: Pace::new(rate, start),
        });
    }

    /// The question, if it is due.
    fn ask(&mut self, now: Duration) -> Option<Vec<u8>> {
        let exchange = self.exchange.as_mut()?;
        if now < exchange.pace.next {
            return None;
        }
        let elapsed = now - *exchange.begun.get_or_insert(now);
        let binding = self.binding.as_ref();
        let of_binding = binding.map(|binding| binding.address);
        let (kind, server, address) = match &exchange.aim {
            Aim::Solicit(_) => (Kind::Solicit, None, None),
            Aim::Request(offer) => (Kind::Request, Some(&offer.server), Some(offer.address)),
            Aim::Renew => (
                Kind::Renew,
                binding.map(|binding| &binding.server),
                of_binding,
            ),
            Aim::Rebind => (Kind::Rebind, None, of_binding),
            Aim::Decline(offer) => (Kind::Decline, Some(&offer.server), Some(offer.address)),
        };
        let question = Question {
            kind,
            transaction: exchange.transaction,
            elapsed: u16::try_from(elapsed.as_millis() / 10).unwrap_or(u16::MAX),
            server: server.map(Vec::as_slice),
            address,
        };
        let message = question.write(self.mac);
        exchange.pace.note(now, &mut self.chance);
        Some(message)
    }
}

/// What is granted, if it is of any use.
fn usable(answer: &Answer<'_>) -> Result<Grant, Reason> {
    let grant = answer.grant.filter(|grant| grant.valid > 0);
    let is_granted = answer.status == Status::SUCCESS;
    grant.filter(|_| is_granted).ok_or(Reason::UselessGrant)
}

/// When more time is asked for: T1 and T2, or what section 21.4 recommends in their place.
fn prolongations(grant: &Grant) -> (Option<Duration>, Option<Duration>) {
    let preferred = lifetime(grant.preferred);
    let or = |given: u32, tenths: u32| match given {
        0 => preferred.map(|preferred| preferred / 10 * tenths),
        given => lifetime(given),
    };
    let renew = or(grant.renew, 5).map(|renew| renew.max(EARLIEST_RENEWAL));
    let earliest = renew.unwrap_or(EARLIEST_RENEWAL);
    let rebind = or(grant.rebind, 8).map(|rebind| rebind.max(earliest));
    (renew, rebind)
}

/// None is for ever.
fn lifetime(seconds: u32) -> Option<Duration> {
    (seconds != FOR_EVER).then(|| Duration::from_secs(seconds.into()))
}
