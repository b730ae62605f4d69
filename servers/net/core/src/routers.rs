//! What routers advertise (RFC 4861, section 6.3.4; RFC 4862, section 5.5.3).
//!
//! One router, one prefix to make addresses of and one whose hosts are on the link are kept: those that were heard of first,
//! until they expire. Prefixes are believed of that router alone, and end when another takes its place: with them, who
//! routes nothing could give this machine addresses that lead nowhere, for ever.

use core::net::Ipv6Addr;
use core::time::Duration;

use smoltcp::wire::{NdiscPrefixInfoFlags, NdiscPrefixInformation};

use crate::addresses::{is_in_prefix, is_one_host};

/// Time between the first questions for routers (RFC 4861, 10); it doubles up to an hour (RFC 7559).
const FIRST_PAUSE: Duration = Duration::from_secs(4);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// Nobody can shorten the life of an address below this (RFC 4862, 5.5.3 e).
const TWO_HOURS: Duration = Duration::from_secs(2 * 3600);
/// Lives longer than this are for ever.
const LONGEST_LIFE: Duration = Duration::from_secs(u32::MAX as u64);

/// Where addresses come from beside prefixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Management {
    /// Nowhere.
    None,
    /// A DHCPv6 server gives them (the flag M, RFC 4861, section 4.2).
    Managed,
}

/// A router advertisement from the link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advertisement {
    pub(crate) router: Ipv6Addr,
    pub(crate) lifetime: Duration,
    pub(crate) management: Management,
    pub(crate) prefix: Option<NdiscPrefixInformation>,
}

/// Something that was said, and until when it holds.
#[derive(Clone, Copy, Debug)]
struct Heard<T> {
    what: T,
    until: Duration,
}

/// What was heard, and when it is asked for next.
#[derive(Debug)]
pub(crate) struct Routers {
    router: Option<Heard<(Ipv6Addr, Management)>>,
    /// The last that was kept, who named the prefixes below.
    speaker: Option<Ipv6Addr>,
    /// To make addresses of, of 64 bits.
    prefix: Option<Heard<Ipv6Addr>>,
    /// Whose hosts are reached without a router; its bits.
    on_link: Option<Heard<(Ipv6Addr, u8)>>,
    /// When routers are asked for next, and how long the pause after that is.
    solicitation: Option<(Duration, Duration)>,
    /// Not before this, however often they come and go.
    quiet_until: Duration,
}

impl Routers {
    /// To be asked for at once.
    pub(crate) fn new(now: Duration) -> Self {
        Self {
            router: None,
            speaker: None,
            prefix: None,
            on_link: None,
            solicitation: Some((now, FIRST_PAUSE)),
            quiet_until: now,
        }
    }

    /// The way to all others.
    pub(crate) fn gateway(&self) -> Option<Ipv6Addr> {
        self.router.map(|router| router.what.0)
    }

    /// The prefix to make an address of.
    pub(crate) fn prefix(&self) -> Option<Ipv6Addr> {
        self.prefix.map(|prefix| prefix.what)
    }

    /// Whether a DHCPv6 server is to be asked for an address: the router says so, and nobody has said how to make one.
    pub(crate) fn want_a_server(&self) -> bool {
        let is_managed = |router: Heard<(_, Management)>| router.what.1 == Management::Managed;
        self.prefix.is_none() && self.router.is_some_and(is_managed)
    }

    /// How many bits of `address` those share that are on the link: all, unless a router said otherwise (RFC 5942,
    /// section 4).
    pub(crate) fn bits_on_link(&self, address: Ipv6Addr) -> u8 {
        match self.on_link.map(|on_link| on_link.what) {
            Some((prefix, bits)) if is_in_prefix(address, prefix, bits) => bits,
            _ => 128,
        }
    }

    /// Forgets what has expired. Says whether routers are to be asked for.
    pub(crate) fn poll(&mut self, now: Duration) -> bool {
        self.router = self.router.filter(|router| now < router.until);
        self.prefix = self.prefix.filter(|prefix| now < prefix.until);
        self.on_link = self.on_link.filter(|on_link| now < on_link.until);
        if self.solicitation.is_none() && self.router.is_none() {
            self.solicitation = Some((self.quiet_until.max(now), FIRST_PAUSE));
        }
        match self.solicitation {
            Some((next, pause)) if next <= now => {
                self.solicitation = Some((now + pause, (pause * 2).min(LONGEST_PAUSE)));
                self.quiet_until = now + FIRST_PAUSE;
                true
            }
            _ => false,
        }
    }

    /// When [`poll`](Self::poll) is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let router = self.router.map(|router| router.until);
        let prefix = self.prefix.map(|prefix| prefix.until);
        let on_link = self.on_link.map(|on_link| on_link.until);
        let next = self.solicitation.map(|(next, _)| next);
        [router, prefix, on_link, next].into_iter().flatten().min()
    }

    /// Takes over what is said, if it is not said against what was heard first.
    pub(crate) fn hear(&mut self, said: &Advertisement, now: Duration) {
        if self.router.is_some_and(|heard| heard.what.0 != said.router) {
            return;
        }
        self.router = (!said.lifetime.is_zero()).then_some(Heard {
            what: (said.router, said.management),
            until: now + said.lifetime,
        });
        if self.router.is_none() {
            return;
        }
        self.solicitation = None;
        if self.speaker.replace(said.router) != Some(said.router) {
            self.prefix = None;
            self.on_link = None;
        }
        if let Some(prefix) = said.prefix.filter(is_on_link) {
            self.hear_on_link(&prefix, now);
        }
        if let Some(prefix) = said.prefix.filter(is_usable) {
            self.hear_prefix(prefix.prefix, prefix.valid_lifetime.into(), now);
        }
    }

    fn hear_on_link(&mut self, prefix: &NdiscPrefixInformation, now: Duration) {
        let what = (prefix.prefix, prefix.prefix_len);
        if self.on_link.is_none_or(|heard| heard.what == what) {
            let lifetime = Duration::from(prefix.valid_lifetime);
            let until = now + lifetime.min(LONGEST_LIFE);
            self.on_link = (!lifetime.is_zero()).then_some(Heard { what, until });
        }
    }

    fn hear_prefix(&mut self, prefix: Ipv6Addr, lifetime: Duration, now: Duration) {
        let until = now + lifetime.min(LONGEST_LIFE);
        match &mut self.prefix {
            None if lifetime.is_zero() => {}
            None => {
                self.prefix = Some(Heard {
                    what: prefix,
                    until,
                });
            }
            Some(heard) if heard.what == prefix => {
                let rest = heard.until.saturating_sub(now);
                if lifetime > TWO_HOURS || lifetime > rest {
                    heard.until = until;
                } else if rest > TWO_HOURS {
                    heard.until = now + TWO_HOURS;
                }
            }
            Some(_) => {}
        }
    }
}

/// Whether an address can be made of a prefix: it is for that, has 64 bits, and hosts can have it.
fn is_usable(prefix: &NdiscPrefixInformation) -> bool {
    prefix.flags.contains(NdiscPrefixInfoFlags::ADDRCONF)
        && prefix.prefix_len == 64
        && prefix.preferred_lifetime <= prefix.valid_lifetime
        && is_one_host(prefix.prefix.into())
        && !prefix.prefix.is_unicast_link_local()
}

/// Whether hosts with that prefix are reached without a router; nobody has all the world on his link.
fn is_on_link(prefix: &NdiscPrefixInformation) -> bool {
    prefix.flags.contains(NdiscPrefixInfoFlags::ON_LINK)
        && (16..=128).contains(&prefix.prefix_len)
        && is_one_host(prefix.prefix.into())
        && !prefix.prefix.is_unicast_link_local()
}
