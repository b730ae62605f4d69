//! What the two ends say by their attention words.

/// In the monitor's attention word: the gateway's queue was full, and a signal is wanted when it releases frames.
pub const WANTS_ROOM: u64 = 1;

/// Bytes behind the header of Ethernet that a frame may have, if the gateway does not say: what is left
/// of 1,500 bytes in a WireGuard tunnel over IPv6.
pub const DEFAULT_MTU: u16 = 1420;

/// The least that IPv6 lets a link have (RFC 8200, section 5).
const MIN_MTU: u16 = 1280;
/// The most that a frame carries.
const MAX_MTU: u16 = 1500;
/// In the gateway's attention word: the link is down.
const DOWN: u64 = 1 << 16;

/// The link as the gateway says that it is, by its attention word: the MTU in bits 15:0, bit 16 set while the
/// link is down. A gateway that never writes the word has a link that is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whether frames get anywhere.
    pub state: LinkState,
    /// Bytes behind the header of Ethernet that a frame may have: 1,280 to 1,500.
    pub mtu: u16,
}

/// Whether frames get anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// They do.
    Up,
    /// They do not: no tunnel is configured, or its keys are not unlocked yet.
    Down,
}

impl Link {
    /// The link that `word` describes; an MTU that cannot be counts as [`DEFAULT_MTU`].
    #[must_use]
    pub fn from_word(word: u64) -> Self {
        let state = if word & DOWN == 0 {
            LinkState::Up
        } else {
            LinkState::Down
        };
        let mtu = u16::try_from(word & 0xffff)
            .ok()
            .filter(|mtu| (MIN_MTU..=MAX_MTU).contains(mtu))
            .unwrap_or(DEFAULT_MTU);
        Self { state, mtu }
    }

    /// The attention word that says so.
    #[must_use]
    pub fn to_word(self) -> u64 {
        let state = match self.state {
            LinkState::Up => 0,
            LinkState::Down => DOWN,
        };
        u64::from(self.mtu) | state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_survives_the_channel() {
        for state in [LinkState::Up, LinkState::Down] {
            for mtu in [MIN_MTU, DEFAULT_MTU, MAX_MTU] {
                let link = Link { state, mtu };
                assert_eq!(Link::from_word(link.to_word()), link);
            }
        }
    }

    #[test]
    fn silence_and_nonsense_mean_the_default() {
        for (word, state) in [
            (0, LinkState::Up),
            (u64::MAX, LinkState::Down),
            (1279, LinkState::Up),
            (DOWN | 1501, LinkState::Down),
        ] {
            let mtu = DEFAULT_MTU;
            assert_eq!(Link::from_word(word), Link { state, mtu });
        }
    }
}
