//! What a local APIC remembers.

use super::{
    registers::{LVT_MASKED, SPURIOUS_ENABLE},
    timer::Timer,
};

/// A set of vectors.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct VectorSet([u64; 4]);

impl VectorSet {
    pub(super) fn insert(&mut self, vector: u8) {
        self.0[usize::from(vector >> 6)] |= 1 << (vector & 63);
    }

    pub(super) fn remove(&mut self, vector: u8) {
        self.0[usize::from(vector >> 6)] &= !(1 << (vector & 63));
    }

    pub(super) fn contains(&self, vector: u8) -> bool {
        self.0[usize::from(vector >> 6)] & (1 << (vector & 63)) != 0
    }

    /// Whether `vector` is the only member.
    pub(super) fn is_only(&self, vector: u8) -> bool {
        let mut alone = Self::default();
        alone.insert(vector);
        *self == alone
    }

    /// The highest member.
    pub(super) fn highest(&self) -> Option<u8> {
        let word = self.0.iter().rposition(|&word| word != 0)?;
        let bit = 63 - self.0.get(word)?.leading_zeros();
        u8::try_from(word * 64 + usize::try_from(bit).ok()?).ok()
    }

    /// 32 members as a register shows them.
    pub(super) fn register(&self, index: u32) -> u64 {
        let word = self.0.get(usize::try_from(index / 2).unwrap_or(4));
        (word.copied().unwrap_or(0) >> ((index % 2) * 32)) & 0xffff_ffff
    }
}

/// The guest used a register in a way that raises #GP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccessError;

/// The local APIC.
pub(crate) struct LocalApic {
    pub(super) requested: VectorSet,
    pub(super) in_service: VectorSet,
    pub(super) level: VectorSet,
    pub(super) task_priority: u8,
    pub(super) spurious: u64,
    /// Registers 0x2f and 0x32 to 0x37: machine check, timer, thermal, counters, LINT0, LINT1, error.
    pub(super) local_vectors: [u64; 7],
    pub(super) command: u64,
    pub(super) timer: Timer,
}

impl LocalApic {
    /// The state after a reset, with x2APIC mode on.
    pub(crate) fn new() -> Self {
        Self {
            requested: VectorSet::default(),
            in_service: VectorSet::default(),
            level: VectorSet::default(),
            task_priority: 0,
            spurious: 0xff,
            local_vectors: [LVT_MASKED; 7],
            command: 0,
            timer: Timer::default(),
        }
    }

    /// Whether software has enabled the controller.
    pub(super) fn enabled(&self) -> bool {
        self.spurious & SPURIOUS_ENABLE != 0
    }
}
