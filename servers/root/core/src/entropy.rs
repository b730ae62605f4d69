//! Seeds: fresh entropy for every component, none of which tells anything about another.

use core::fmt;

use hkdf::Hkdf;
use sha2::Sha256;

/// Words taken from the processor: 512 bits.
const WORDS: usize = 8;
/// How often a word is asked for before the source counts as broken (Intel SDM volume 1, 7.3.17: ten times).
const RETRIES: usize = 10;
const SALT: &[u8] = b"Sekisho component seeds 1";

/// What the processor has to offer.
pub trait Hardware {
    /// A word of the random number generator (RDRAND); `None` if there is none now.
    fn random(&mut self) -> Option<u64>;
    /// A word of the entropy source itself (RDSEED); `None` if there is none now.
    fn seed(&mut self) -> Option<u64>;
    /// The time-stamp counter.
    fn ticks(&mut self) -> u64;
}

/// Why there are no seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntropyError {
    /// The processor has no random number generator, or it gives nothing.
    NoSource,
    /// The generator gives the same word again and again.
    Stuck,
}

/// The pool from which seeds are derived.
pub struct Seeds {
    extractor: Hkdf<Sha256>,
}

impl Seeds {
    /// Gathers entropy and mixes it with `from_boot`, which need not be secret.
    ///
    /// # Errors
    ///
    /// There is no entropy: the system must not start.
    pub fn gather(hardware: &mut impl Hardware, from_boot: &[u8]) -> Result<Self, EntropyError> {
        let mut random = [0; WORDS];
        for word in &mut random {
            *word = retry(|| hardware.random())?;
        }
        // Some processors answer with all ones for ever (AMD's first 3000 series, before its repair).
        if random.windows(2).all(|pair| pair[0] == pair[1]) {
            return Err(EntropyError::Stuck);
        }
        let mut pool = [0u8; (2 * WORDS + 1) * 8];
        let ticks = [hardware.ticks()];
        let seeds = core::array::from_fn::<u64, WORDS, _>(|_| {
            // The generator alone suffices; where there is a seed source, it is mixed in.
            retry(|| hardware.seed()).unwrap_or(0)
        });
        let words = random.iter().chain(&seeds).chain(&ticks);
        for (place, word) in pool.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        let mut extract = hkdf::HkdfExtract::<Sha256>::new(Some(SALT));
        extract.input_ikm(&pool);
        extract.input_ikm(from_boot);
        Ok(Self {
            extractor: extract.finalize().1,
        })
    }

    /// The seed of the component `name`.
    #[must_use]
    pub fn seed(&self, name: &str) -> [u8; 32] {
        let mut seed = [0; 32];
        // One block of output is always possible (RFC 5869, 2.3: up to 255).
        let _ = self.extractor.expand(name.as_bytes(), &mut seed);
        seed
    }
}

fn retry(mut ask: impl FnMut() -> Option<u64>) -> Result<u64, EntropyError> {
    (0..RETRIES)
        .find_map(|_| ask())
        .ok_or(EntropyError::NoSource)
}

impl fmt::Display for EntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSource => "the processor has no random number generator (RDRAND)",
            Self::Stuck => "the processor's random number generator is stuck",
        })
    }
}

impl core::error::Error for EntropyError {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter(u64);

    impl Hardware for Counter {
        fn random(&mut self) -> Option<u64> {
            self.0 += 1;
            Some(self.0)
        }
        fn seed(&mut self) -> Option<u64> {
            None
        }
        fn ticks(&mut self) -> u64 {
            7
        }
    }

    struct Stuck(Option<u64>);

    impl Hardware for Stuck {
        fn random(&mut self) -> Option<u64> {
            self.0
        }
        fn seed(&mut self) -> Option<u64> {
            self.0
        }
        fn ticks(&mut self) -> u64 {
            0
        }
    }

    #[test]
    fn seeds_differ_by_component_and_by_boot() {
        let one = Seeds::gather(&mut Counter(0), b"boot").expect("there is entropy");
        let other = Seeds::gather(&mut Counter(1), b"boot").expect("there is entropy");
        assert_ne!(one.seed("disk"), one.seed("disk-crypto"));
        assert_ne!(one.seed("disk"), other.seed("disk"));
        assert_ne!(one.seed("disk"), [0; 32]);
    }

    #[test]
    fn without_entropy_there_is_no_boot() {
        let none = Seeds::gather(&mut Stuck(None), b"boot").err();
        assert_eq!(none, Some(EntropyError::NoSource));
        let ones = Seeds::gather(&mut Stuck(Some(u64::MAX)), b"boot").err();
        assert_eq!(ones, Some(EntropyError::Stuck));
    }
}
