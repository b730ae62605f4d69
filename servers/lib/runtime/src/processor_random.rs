//! The processor's random numbers, for the root server alone: components have a seed.

use core::arch::x86_64::{__cpuid, __cpuid_count, _rdrand64_step, _rdseed64_step};

/// What the processor offers.
#[derive(Clone, Copy, Debug)]
pub struct ProcessorRandom {
    has_random: bool,
    has_seed: bool,
}

impl ProcessorRandom {
    /// Asks the processor what it has (AMD APM volume 3, appendix E: CPUID 1 ECX bit 30, CPUID 7 EBX bit 18).
    #[must_use]
    pub fn new() -> Self {
        let leaves = __cpuid(0).eax;
        Self {
            has_random: leaves >= 1 && __cpuid(1).ecx & (1 << 30) != 0,
            has_seed: leaves >= 7 && __cpuid_count(7, 0).ebx & (1 << 18) != 0,
        }
    }

    /// A word of RDRAND; `None` if the processor has none, or none now.
    #[must_use]
    pub fn random(self) -> Option<u64> {
        let mut word = 0;
        // SAFETY: the processor has the instruction.
        let valid = self.has_random && unsafe { _rdrand64_step(&mut word) } == 1;
        valid.then_some(word)
    }

    /// A word of RDSEED; `None` if the processor has none, or none now.
    #[must_use]
    pub fn seed(self) -> Option<u64> {
        let mut word = 0;
        // SAFETY: the processor has the instruction.
        let valid = self.has_seed && unsafe { _rdseed64_step(&mut word) } == 1;
        valid.then_some(word)
    }
}

impl Default for ProcessorRandom {
    fn default() -> Self {
        Self::new()
    }
}
