//! The Internet checksum (RFC 1071).
//!
//! Sums are of little-endian words: the checksum of swapped words is the swapped checksum (section 2 (B)).

use core::net::IpAddr;

/// A sum of words of 16 bits, not yet folded together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum(u64);

impl Sum {
    /// The sum of `bytes`; a last odd one is filled up with zero.
    #[inline]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let words = bytes.chunks_exact(4);
        let mut last = [0; 4];
        let rest = words.remainder();
        last[..rest.len()].copy_from_slice(rest);
        let word = |bytes: &[u8]| match *bytes {
            [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
            _ => 0,
        };
        Self(words.map(word).sum::<u64>() + word(&last))
    }

    /// The sum of an address.
    #[inline]
    pub(crate) fn of_address(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of(&address.octets()),
            IpAddr::V6(address) => Self::of(&address.octets()),
        }
    }

    /// With a number of 16 bits as it stands in a packet.
    #[inline]
    pub(crate) fn and_number(self, number: u16) -> Self {
        Self(self.0 + u64::from(number.to_be()))
    }

    /// With what `RegionReader::sum_at` adds up, from an even place on.
    #[inline]
    pub(crate) fn and_region(self, sum: u64) -> Self {
        Self(self.0 + (sum & 0xffff_ffff) + (sum >> 32))
    }

    #[inline]
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// Whether everything that was added, the checksum included, is as it was sent.
    #[inline]
    pub(crate) fn is_good(self) -> bool {
        self.folded() == 0xffff
    }

    /// The checksum of what was added, as it stands in a packet.
    #[inline]
    pub(crate) fn checksum(self) -> [u8; 2] {
        (!self.folded()).to_le_bytes()
    }

    /// The same for UDP, where 0 means that there is none (RFC 768).
    #[inline]
    pub(crate) fn udp_checksum(self) -> [u8; 2] {
        match self.checksum() {
            [0, 0] => [0xff, 0xff],
            checksum => checksum,
        }
    }

    /// What stands in the place of a checksum that the device fills in (virtio 1.2, section 5.1.6.2): the sum
    /// of the pseudo header.
    #[inline]
    pub(crate) fn unfinished(self) -> [u8; 2] {
        self.folded().to_le_bytes()
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "folded to 16 bits before")]
    fn folded(self) -> u16 {
        let sum = (self.0 & 0xffff_ffff) + (self.0 >> 32);
        let sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
        let sum = (sum & 0xffff) + (sum >> 16);
        ((sum & 0xffff) + (sum >> 16)) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        // Section 3: words 0001, f203, f4f5, f6f7 add up to ddf2.
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        let sum = Sum::of(&bytes);
        assert_eq!(sum.unfinished(), [0xdd, 0xf2]);
        assert_eq!(sum.checksum(), [0x22, 0x0d]);
        assert!(!sum.is_good());
        assert!(sum.and_number(0x220d).is_good());
        let halves = Sum::of(&bytes[..4]).and(Sum::of(&bytes[4..]));
        assert_eq!(halves.checksum(), sum.checksum());
        assert_eq!(Sum::of(&bytes[..3]), Sum::of(&[0x00, 0x01, 0xf2, 0]));
    }

    #[test]
    fn large_sums_fold() {
        for region in [u64::MAX, u64::MAX - 1, 1 << 32, 0xffff_0000_ffff_0000] {
            let sum = Sum::default().and_region(region).and_region(region);
            let expected = u128::from(region) * 2 % 0xffff;
            let folded = u16::from_le_bytes(sum.unfinished());
            assert_eq!(u128::from(folded) % 0xffff, expected);
        }
        assert_eq!(Sum::default().and_number(0xffff).udp_checksum(), [0xff; 2]);
    }
}
