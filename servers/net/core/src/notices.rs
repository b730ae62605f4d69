//! What a human at the console should know: few lines, however much comes in.

use alloc::collections::VecDeque;
use core::fmt;
use core::net::Ipv6Addr;
use core::time::Duration;

use crate::addresses::Addresses;
use crate::counters::Counters;

/// Lines that wait to be printed at most; those behind are left out.
const MOST: usize = 16;
/// Time between two lines about dropped packets.
const PAUSE: Duration = Duration::from_secs(60);
/// Lines in that time at most: whoever is on the wire could make addresses come and go.
const MOST_IN_TIME: usize = 20;

/// A line for the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The link came up, or went down.
    Link(bool),
    /// The addresses have changed.
    Addresses(Addresses),
    /// Another host has the address that this machine was about to use.
    Taken(Ipv6Addr),
    /// The client of that name broke the rules of its channel.
    CutOff(&'static str),
    /// What went through, and what was dropped.
    Counters(Counters),
}

#[derive(Debug, Default)]
pub(crate) struct Notices {
    waiting: VecDeque<Notice>,
    reported: u64,
    next_report: Duration,
    /// How many lines there were until this moment.
    recent: usize,
    recent_until: Duration,
}

impl Notices {
    pub(crate) fn add(&mut self, notice: Notice, now: Duration) {
        if self.recent_until <= now {
            self.recent_until = now + PAUSE;
            self.recent = 0;
        }
        if self.waiting.len() < MOST && self.recent < MOST_IN_TIME {
            self.recent += 1;
            self.waiting.push_back(notice);
        }
    }

    /// The same for who asks: however many there were lately.
    pub(crate) fn tell(&mut self, notice: Notice) {
        if self.waiting.len() < MOST {
            self.waiting.push_back(notice);
        }
    }

    pub(crate) fn take(&mut self) -> Option<Notice> {
        self.waiting.pop_front()
    }

    /// Says what was dropped, if there is news and the last time is long ago.
    pub(crate) fn report(&mut self, counters: &Counters, now: Duration) {
        if self.next_report <= now && counters.dropped() != self.reported {
            self.reported = counters.dropped();
            self.next_report = now + PAUSE;
            self.add(Notice::Counters(counters.clone()), now);
        }
    }

    /// When [`report`](Self::report) has something to say.
    pub(crate) fn deadline(&self, counters: &Counters) -> Option<Duration> {
        (counters.dropped() != self.reported).then_some(self.next_report)
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(true) => f.write_str("the link is up"),
            Self::Link(false) => f.write_str("the link is down"),
            Self::Addresses(addresses) => write_addresses(addresses, f),
            Self::Taken(address) => write!(f, "another host has {address} already"),
            Self::CutOff(name) => write!(
                f,
                "listens to {name} no more: it broke the rules of its channel"
            ),
            Self::Counters(counters) => counters.fmt(f),
        }
    }
}

fn write_addresses(addresses: &Addresses, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match addresses.ipv4 {
        Some(ipv4) => write!(f, "IPv4 {}/{}", ipv4.address, ipv4.prefix_length)?,
        None => f.write_str("no IPv4")?,
    }
    if let Some(gateway) = addresses.ipv4.and_then(|ipv4| ipv4.gateway) {
        write!(f, " by {gateway}")?;
    }
    match addresses.ipv6 {
        Some(ipv6) => write!(f, ", IPv6 {}/{}", ipv6.address, ipv6.prefix_length)?,
        None => f.write_str(", no IPv6")?,
    }
    if let Some(gateway) = addresses.ipv6.and_then(|ipv6| ipv6.gateway) {
        write!(f, " by {gateway}")?;
    }
    Ok(())
}
