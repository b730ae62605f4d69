//! The generator.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use crate::virtio::chain::Chain;

/// The entropy device.
pub(crate) struct Entropy {
    pub(super) generator: ChaCha20Rng,
    pub(super) chain: Chain,
}

impl Entropy {
    /// A device whose bytes follow from `seed`, which nobody else has.
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            generator: ChaCha20Rng::from_seed(seed),
            chain: Chain::new(),
        }
    }
}
