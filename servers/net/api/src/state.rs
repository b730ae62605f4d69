//! What the network is like.

/// What the network is like, as far as clients have to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// There is an IPv4 address, so that IPv4 can be sent.
    pub has_ipv4: bool,
    /// There is a global IPv6 address, so that IPv6 can be sent.
    pub has_ipv6: bool,
    /// The wire carries packets.
    pub link_is_up: bool,
}

impl State {
    /// As it travels: bits 0, 1 and 2 in the order of the fields.
    #[must_use]
    pub fn to_bits(self) -> u32 {
        u32::from(self.has_ipv4) | u32::from(self.has_ipv6) << 1 | u32::from(self.link_is_up) << 2
    }

    /// What travelled; bits that mean nothing are not looked at.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self {
            has_ipv4: bits & 1 != 0,
            has_ipv6: bits & 2 != 0,
            link_is_up: bits & 4 != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_fields() {
        for bits in 0..8 {
            assert_eq!(State::from_bits(bits | 0xfff8).to_bits(), bits);
        }
        let link = State {
            link_is_up: true,
            ..State::default()
        };
        assert_eq!(link.to_bits(), 4);
    }
}
