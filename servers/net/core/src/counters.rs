//! What was dropped, by reason, and what went through.

use core::fmt;

macro_rules! reasons {
    ($($name:ident: $text:literal, $doc:literal;)*) => {
        /// Why a packet was dropped.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reason {
            $(#[doc = $doc] $name,)*
        }

        impl Reason {
            /// All of them, in the order of their counters.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The reason in a few words.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

reasons! {
    Malformed: "malformed", "Its headers contradict each other or its length.";
    NotForUs: "not for this machine", "Its Ethernet or IP address is another's.";
    BadSource: "impossible sender", "Nobody can have the address that it says it comes from.";
    OtherProtocol: "unwanted protocol", "It is of a protocol that has no business here.";
    Fragment: "useless fragment", "It is a part of a packet that nobody waits for, or does not fit the others.";
    BadChecksum: "wrong checksum", "It was damaged on its way.";
    NoClient: "port of nobody", "It is for a UDP port that no client has.";
    ClientIsSlow: "client too slow", "The client had no room for it.";
    UselessError: "error about nothing of ours", "It is an ICMP error about a packet that no client sent lately, or nothing to be told.";
    Unasked: "answer to nobody's question", "It is of a server for addresses, and answers nothing that is being asked, or comes from another server than the one meant.";
    UselessGrant: "useless offer of an address", "It is of a DHCPv6 server, and gives nothing that could be used.";
    NotSendable: "impossible receiver", "From a client, to an address or port to which nothing can be sent.";
    NoAddress: "no address or route yet", "From a client, before there was an address or a router.";
    TooLarge: "larger than the path takes", "From a client, and too large for the way to its destination.";
    NoNeighbour: "no answer on the link", "From a client, and the next host on the way does not answer, or is still asked.";
    DeviceIsFull: "device too slow", "Of this program's own, and the device had no room for it.";
}

/// Counters since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams that went to the wire.
    pub sent: u64,
    /// Datagrams that were given to clients.
    pub received: u64,
    dropped: [u64; Reason::ALL.len()],
}

impl Counters {
    /// Counts a packet that is dropped.
    pub fn drop_for(&mut self, reason: Reason) {
        if let Some(counter) = self.dropped.get_mut(reason as usize) {
            *counter = counter.saturating_add(1);
        }
    }

    /// How many packets were dropped for that reason.
    #[must_use]
    pub fn dropped_for(&self, reason: Reason) -> u64 {
        self.dropped.get(reason as usize).copied().unwrap_or(0)
    }

    /// How many packets were dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// One line: what went through, and what was dropped for which reasons.
impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} datagrams sent, {} received, {} packets dropped",
            self.sent,
            self.received,
            self.dropped()
        )?;
        let mut separator = ": ";
        for reason in Reason::ALL {
            let count = self.dropped_for(*reason);
            if count > 0 {
                write!(f, "{separator}{count} {}", reason.text())?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn reasons_have_their_own_counters() {
        let mut counters = Counters::default();
        for (count, reason) in (1..).zip(Reason::ALL) {
            for _ in 0..count {
                counters.drop_for(*reason);
            }
            assert_eq!(counters.dropped_for(*reason), count);
        }
        let last = Reason::ALL.len() as u64;
        assert_eq!(counters.dropped(), last * (last + 1) / 2);
        let mut counters = Counters::default();
        assert!(counters.to_string().ends_with("0 packets dropped"));
        counters.drop_for(Reason::Fragment);
        counters.drop_for(Reason::Malformed);
        assert!(
            counters
                .to_string()
                .ends_with("2 packets dropped: 1 malformed, 1 useless fragment")
        );
    }
}
