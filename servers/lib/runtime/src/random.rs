//! Random numbers: a stream cipher over the seed that the root server gave to this component alone.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Infallible, SeedableRng, TryCryptoRng, TryRng},
};

/// A cryptographic generator. Two of the same seed give the same numbers, so it is not copied.
#[derive(Debug)]
pub struct Random {
    generator: ChaCha20Rng,
}

impl Random {
    /// The generator of `seed` for a component's first life (0) or a later one. Each life has a stream of the
    /// cipher to itself: a component that was started afresh never makes a number again that it made before.
    #[must_use]
    pub fn new(seed: [u8; 32], life: u64) -> Self {
        let mut generator = ChaCha20Rng::from_seed(seed);
        generator.set_stream(life);
        Self { generator }
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        let Ok(()) = self.generator.try_fill_bytes(bytes);
    }

    /// A number.
    pub fn number(&mut self) -> u64 {
        let Ok(number) = self.generator.try_next_u64();
        number
    }
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.generator.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.generator.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.generator.try_fill_bytes(bytes)
    }
}

impl TryCryptoRng for Random {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_life_repeats_another() {
        let mut firsts: Vec<u64> = (0..100)
            .map(|life| Random::new([7; 32], life).number())
            .collect();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), 100);
        assert_eq!(
            Random::new([7; 32], 0).number(),
            Random::new([7; 32], 0).number()
        );
    }
}
