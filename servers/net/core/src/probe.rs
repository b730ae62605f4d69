//! Whether another host of the link has an address already (RFC 4862, section 5.4).
//!
//! An address is used once it was asked who has it, and nobody said a word for a second. If somebody did, it is asked again
//! after a while, for as long as it is wanted: a host that answers every question keeps this machine from its address
//! as long as it stays, as it could with invented neighbours, and no longer.

use core::net::Ipv6Addr;
use core::time::Duration;

/// Time for an answer (RetransTimer, RFC 4861, section 10); there is one question (DupAddrDetectTransmits, RFC 4862, section 5.1).
const PATIENCE: Duration = Duration::from_secs(1);
/// After so long an address is asked for again that somebody had.
const AGAIN: Duration = Duration::from_secs(10);

/// An address that this machine would like to have, and what is known of it.
#[derive(Debug, Default)]
pub(crate) struct Probe(Option<(Ipv6Addr, Stage)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is to be asked for then.
    Due(Duration),
    /// It was asked for. If nobody answers until then, it is free.
    Asked(Duration),
    /// Nobody else has it.
    Free,
}

impl Probe {
    /// Whether nobody else has `address`.
    pub(crate) fn is_free(&self, address: Ipv6Addr) -> bool {
        self.0 == Some((address, Stage::Free))
    }

    /// Does what is due for the address that is `wanted`, and forgets any other. Says whether it is to be asked for now.
    pub(crate) fn poll(&mut self, wanted: Option<Ipv6Addr>, now: Duration) -> Option<Ipv6Addr> {
        let known = self.0.filter(|(address, _)| Some(*address) == wanted);
        self.0 = known.or(wanted.map(|address| (address, Stage::Due(now))));
        let (address, stage) = self.0.as_mut()?;
        match *stage {
            Stage::Due(at) if at <= now => {
                *stage = Stage::Asked(now + PATIENCE);
                Some(*address)
            }
            Stage::Asked(until) if until <= now => {
                *stage = Stage::Free;
                None
            }
            _ => None,
        }
    }

    /// When [`poll`](Self::poll) is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        match self.0? {
            (_, Stage::Due(at) | Stage::Asked(at)) => Some(at),
            (_, Stage::Free) => None,
        }
    }

    /// Somebody has `address`, or would like to. Whether that is the answer to the question that was asked: an address that
    /// was found free is this machine's, whatever others say later.
    pub(crate) fn hear(&mut self, address: Ipv6Addr, now: Duration) -> bool {
        match &mut self.0 {
            Some((asked, stage @ Stage::Asked(_))) if *asked == address => {
                *stage = Stage::Due(now + AGAIN);
                true
            }
            _ => false,
        }
    }
}
