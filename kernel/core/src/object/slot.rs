//! A capability slot: the capability and its place in the derivation list.

use core::cell::Cell;

use crate::SlotRef;
use crate::capability::Capability;

/// A capability slot, 32 bytes: two words of capability and two of derivation links.
#[repr(C, align(32))]
#[derive(Default)]
pub struct Slot {
    words: [Cell<u64>; 2],
    previous: Cell<Option<SlotRef>>,
    /// The next slot's address; the low bits, free because slots are aligned, hold the flags.
    next: Cell<u64>,
}

/// A capability may have children of its own.
const REVOCABLE: u64 = 1;
/// The first capability with its badge: copies of it are its children, it is nobody's copy.
const FIRST_BADGED: u64 = 2;
const FLAGS: u64 = 31;

const _: () = assert!(size_of::<Slot>() == 32);

impl Slot {
    /// A slot without a capability.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            words: [const { Cell::new(0) }; 2],
            previous: Cell::new(None),
            next: Cell::new(0),
        }
    }

    /// The capability, encoded.
    #[inline(always)]
    pub(crate) fn words(&self) -> [u64; 2] {
        [self.words[0].get(), self.words[1].get()]
    }

    /// Changes the capability, encoded; its place in the derivation list stays.
    #[inline(always)]
    pub(crate) fn set_words(&self, [low, high]: [u64; 2]) {
        self.words[0].set(low);
        self.words[1].set(high);
    }

    /// The capability.
    #[inline(always)]
    pub(crate) fn capability(&self) -> Capability {
        Capability::decode(self.words())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words[0].get() == 0
    }

    /// Changes the capability; its place in the derivation list stays.
    #[inline]
    pub(crate) fn set_capability(&self, capability: &Capability) {
        self.set_words(capability.encode());
    }

    #[inline]
    pub(crate) fn previous(&self) -> Option<SlotRef> {
        self.previous.get()
    }

    #[inline]
    pub(crate) fn next(&self) -> Option<SlotRef> {
        SlotRef::new(self.next.get() & !FLAGS)
    }

    #[inline]
    pub(crate) fn set_previous(&self, slot: Option<SlotRef>) {
        self.previous.set(slot);
    }

    #[inline]
    pub(crate) fn set_next(&self, slot: Option<SlotRef>) {
        let flags = self.next.get() & FLAGS;
        self.next.set(slot.map_or(0, SlotRef::address) | flags);
    }

    pub(crate) fn is_revocable(&self) -> bool {
        self.next.get() & REVOCABLE != 0
    }

    pub(crate) fn is_first_badged(&self) -> bool {
        self.next.get() & FIRST_BADGED != 0
    }

    /// Marks whether the capability is an original, which may have children.
    pub(crate) fn set_original(&self, original: bool) {
        let flags = if original {
            REVOCABLE | FIRST_BADGED
        } else {
            0
        };
        self.next.set(self.next.get() & !FLAGS | flags);
    }

    /// From here on no capability before it in the list is where its badge comes from.
    pub(crate) fn set_first_badged(&self) {
        self.next.set(self.next.get() | FIRST_BADGED);
    }

    /// Takes over everything from another slot but the neighbours' links to it.
    pub(crate) fn assign(&self, other: &Self) {
        self.words[0].set(other.words[0].get());
        self.words[1].set(other.words[1].get());
        self.previous.set(other.previous.get());
        self.next.set(other.next.get());
    }

    /// Uses the empty, unlinked slot as plain storage: two numbers and another slot.
    pub(crate) fn park(&self, numbers: [u64; 2], slot: Option<SlotRef>) {
        self.words[0].set(numbers[0]);
        self.words[1].set(numbers[1]);
        self.previous.set(slot);
    }

    /// What [`Slot::park`] stored.
    pub(crate) fn parked(&self) -> ([u64; 2], Option<SlotRef>) {
        (self.words(), self.previous.get())
    }

    /// Makes the slot empty and unlinked.
    pub(crate) fn clear(&self) {
        self.words[0].set(0);
        self.words[1].set(0);
        self.previous.set(None);
        self.next.set(0);
    }
}
