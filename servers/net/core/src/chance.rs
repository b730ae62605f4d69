//! Numbers that look like chance: for transactions, pauses and parts of packets.

/// A generator (splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
///
/// What it makes keeps strangers from guessing; no secret depends on it. Few numbers tell all
/// others, so what is seen by different people comes from different seeds.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// From a fresh random number.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Another generator, whose numbers are not this one's.
    pub(crate) fn split(&mut self) -> Self {
        Self::new(self.number())
    }

    /// A number from 0 to 1,000.
    pub(crate) fn thousandths(&mut self) -> u32 {
        // The remainder is small; that the first numbers come up a hair more often matters to nobody.
        u32::try_from(self.number() % 1001).unwrap_or(0)
    }
}
