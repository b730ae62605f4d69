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
    /// The generator of `seed`.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        let generator = ChaCha20Rng::from_seed(seed);
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
