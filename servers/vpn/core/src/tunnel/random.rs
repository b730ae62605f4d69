//! Random numbers: a stream cipher over the seed that the tunnel was given.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

use super::keys::{KEY_SIZE, SecretKey};
use core::time::Duration;
use zeroize::Zeroizing;

/// A cryptographic generator.
pub(super) struct Random(ChaCha20Rng);

impl Random {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    pub(super) fn number(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A secret key for one handshake.
    pub(super) fn secret_key(&mut self) -> SecretKey {
        let mut bytes = Zeroizing::new([0; KEY_SIZE]);
        self.fill(&mut *bytes);
        SecretKey::from(*bytes)
    }

    /// Up to a third of a second, so that two who try at the same moment do not do so for ever (whitepaper, section 6.1).
    pub(super) fn jitter(&mut self) -> Duration {
        Duration::from_millis(u64::from(self.number() % 334))
    }
}
