//! Why something was not passed on, and how often.

use core::fmt;

/// Why a frame or packet was not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Refusal {
    /// It is cut short, or its lengths contradict each other.
    Malformed,
    /// The frame is neither IPv4 nor IPv6 nor ARP; VLAN tags are among these.
    Protocol,
    /// The frame's source is not the guest's address on the link, or its destination somebody else's.
    Link,
    /// The packet's source is not the guest's address, or, from outside, an address of the inside.
    Spoofed,
    /// The packet is for a group, for the link itself, or for an address that nothing routes to.
    NoRoute,
    /// The guest has no address of this family, or the packet is for another one.
    NoAddress,
    /// It has options or extension headers that are not passed on.
    Options,
    /// It is a piece of a packet whose first piece did not pass, or cuts a header.
    Fragment,
    /// It does not fit the tunnel.
    TooBig,
    /// Nobody inside began this flow, and the outside may not.
    Uninvited,
    /// Too many flows at once.
    Rate,
    /// The administrator forbids the address or name.
    Blocked,
    /// It is for the gateway, which offers nothing there.
    NoService,
    /// A query or an answer about names that nobody can use.
    BadName,
    /// A DNS answer to no question of ours.
    Unasked,
    /// Too much waits to be sent already.
    Full,
}

const KINDS: usize = Refusal::Full as usize + 1;

impl Refusal {
    /// All of them, in order.
    pub const ALL: [Self; KINDS] = [
        Self::Malformed,
        Self::Protocol,
        Self::Link,
        Self::Spoofed,
        Self::NoRoute,
        Self::NoAddress,
        Self::Options,
        Self::Fragment,
        Self::TooBig,
        Self::Uninvited,
        Self::Rate,
        Self::Blocked,
        Self::NoService,
        Self::BadName,
        Self::Unasked,
        Self::Full,
    ];
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed",
            Self::Protocol => "other protocols",
            Self::Link => "wrong link addresses",
            Self::Spoofed => "spoofed sources",
            Self::NoRoute => "no route",
            Self::NoAddress => "no address",
            Self::Options => "options",
            Self::Fragment => "fragments",
            Self::TooBig => "too big",
            Self::Uninvited => "uninvited",
            Self::Rate => "too many flows",
            Self::Blocked => "blocked",
            Self::NoService => "no service",
            Self::BadName => "bad queries",
            Self::Unasked => "unasked answers",
            Self::Full => "queue full",
        })
    }
}

/// How much passed, and how much did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets from the guest to the tunnel.
    pub to_tunnel: u64,
    /// Packets from the tunnel to the guest.
    pub to_guest: u64,
    refused: [u64; KINDS],
}

impl Counters {
    /// How often this was the reason.
    #[must_use]
    pub fn refused(&self, refusal: Refusal) -> u64 {
        self.refused[refusal as usize]
    }

    pub(super) fn count(&mut self, refusal: Refusal) -> Refusal {
        self.refused[refusal as usize] += 1;
        refusal
    }
}
