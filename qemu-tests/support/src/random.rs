//! Random numbers that repeat: an attack that finds something can be run again.

/// A generator (xorshift64*), seeded.
#[derive(Clone, Copy, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of this seed; seeds that differ give other numbers.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn any(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        // Multiplying is quicker than dividing; the product's upper half is below the limit.
        let product = u128::from(self.any()) * u128::from(limit);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// One of these.
    pub fn one_of(&mut self, choices: &[u64]) -> u64 {
        let index = self.below(choices.len() as u64);
        usize::try_from(index).map_or(0, |index| choices[index])
    }

    /// A word as attackers like them: small, an address, a single bit, all ones, or anything.
    pub fn nasty(&mut self) -> u64 {
        const SPECIAL: [u64; 12] = [
            0,
            1,
            64,
            0xfff,
            0x1000,
            0x40_0000,
            0x7fff_ffff_f000,
            0x8000_0000_0000,
            0xffff_8000_0000_0000,
            0xffff_ffff_8000_0000,
            1 << 63,
            u64::MAX,
        ];
        match self.below(6) {
            0 => self.below(32),
            1 => self.below(1 << 13),
            2 => self.one_of(&SPECIAL),
            3 => 1 << self.below(64),
            4 => self.below(1 << 47) & !0xfff,
            _ => self.any(),
        }
    }
}
