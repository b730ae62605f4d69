//! What the console should hear of.

use alloc::collections::VecDeque;
use alloc::string::String;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use super::rate::TokenBucket;

/// Something that an administrator wants to know. Printed, it is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The guest asked for a forbidden name. The name has printable letters only.
    BlockedName(String),
    /// The guest or the outside used a forbidden address.
    BlockedAddress(IpAddr),
    /// The guest sent with a source that it does not have.
    Spoofed(IpAddr),
    /// No resolver answered for a while.
    ResolversSilent,
    /// So many events were not told one by one.
    Suppressed(u64),
}

/// Events that wait; an attacker who causes many gets some of them counted only.
#[derive(Debug)]
pub(super) struct Events {
    waiting: VecDeque<Event>,
    rate: TokenBucket,
    suppressed: u64,
}

const WAITING_MAX: usize = 16;
const PER_SECOND: u32 = 2;

impl Events {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            waiting: VecDeque::with_capacity(WAITING_MAX),
            rate: TokenBucket::new(PER_SECOND, now),
            suppressed: 0,
        }
    }

    pub(super) fn add(&mut self, now: Duration, event: impl FnOnce() -> Event) {
        if self.waiting.len() + 1 >= WAITING_MAX || !self.rate.take(now) {
            self.suppressed += 1;
            return;
        }
        if self.suppressed > 0 {
            self.waiting.push_back(Event::Suppressed(self.suppressed));
            self.suppressed = 0;
        }
        self.waiting.push_back(event());
    }

    pub(super) fn next(&mut self) -> Option<Event> {
        self.waiting.pop_front()
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlockedName(name) => write!(f, "the blocklist forbids the name {name}"),
            Self::BlockedAddress(address) => {
                write!(f, "the blocklist forbids the address {address}")
            }
            Self::Spoofed(address) => {
                write!(f, "the guest sent from {address}, which is not its address")
            }
            Self::ResolversSilent => f.write_str("no resolver answers"),
            Self::Suppressed(1) => f.write_str("one more event was not told"),
            Self::Suppressed(count) => write!(f, "{count} more events were not told"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted() {
        let mut events = Events::new(Duration::ZERO);
        for _ in 0..1000 {
            events.add(Duration::ZERO, || Event::ResolversSilent);
        }
        for _ in 0..4 {
            assert_eq!(events.next(), Some(Event::ResolversSilent));
        }
        assert_eq!(events.next(), None);
        events.add(Duration::from_secs(1), || Event::ResolversSilent);
        assert_eq!(events.next(), Some(Event::Suppressed(996)));
        assert_eq!(events.next(), Some(Event::ResolversSilent));
    }
}
