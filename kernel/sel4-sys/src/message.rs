//! The words that describe a message or a capability: MessageInfo, rights, CNode data.

/// Largest number of words in a message (`seL4_MsgMaxLength`).
pub const MESSAGE_WORDS_MAX: u64 = 120;
/// Largest number of capabilities in a message (`seL4_MsgMaxExtraCaps`).
pub const MESSAGE_CAPABILITIES_MAX: u64 = 3;
/// Words of a message that travel in registers: R10, R8, R9, R15.
pub const MESSAGE_REGISTERS: usize = 4;

/// Describes a message: label [63:12], capsUnwrapped [11:9], extraCaps [8:7], length [6:0].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct MessageInfo(pub u64);

impl MessageInfo {
    /// A message of `length` words (at most 120) and `extra_caps` capabilities (at most 3); higher bits are cut off.
    #[must_use]
    pub const fn new(label: u64, extra_caps: u64, length: u64) -> Self {
        Self((label << 12) | ((extra_caps & 3) << 7) | (length & 0x7f))
    }

    /// The same message with the bits of `capsUnwrapped` set to `unwrapped`.
    #[must_use]
    pub const fn with_caps_unwrapped(self, unwrapped: u64) -> Self {
        Self((self.0 & !(7 << 9)) | ((unwrapped & 7) << 9))
    }

    /// What the message is about: an invocation's label, a fault's number, or the sender's own word.
    #[must_use]
    pub const fn label(self) -> u64 {
        self.0 >> 12
    }

    /// Bit i is set when capability i arrived as a badge because it named the receiving endpoint.
    #[must_use]
    pub const fn caps_unwrapped(self) -> u64 {
        (self.0 >> 9) & 7
    }

    /// Number of capabilities, 0 to 3.
    #[must_use]
    pub const fn extra_caps(self) -> u64 {
        (self.0 >> 7) & 3
    }

    /// Number of words as stated, 0 to 127; more than 120 must be read as 120.
    #[must_use]
    pub const fn length(self) -> u64 {
        self.0 & 0x7f
    }
}

/// Rights of a capability: bit 0 write, 1 read, 2 grant, 3 grantReply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct CapRights(pub u64);

impl CapRights {
    /// Write, send or signal.
    pub const WRITE: Self = Self(1);
    /// Read, receive or wait.
    pub const READ: Self = Self(2);
    /// Read and write.
    pub const READ_WRITE: Self = Self(3);
    /// Everything.
    pub const ALL: Self = Self(15);
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// The rights in the low four bits of a word.
    #[must_use]
    pub const fn from_word(word: u64) -> Self {
        Self(word & Self::ALL.0)
    }

    /// The rights that are both here and there.
    #[must_use]
    pub const fn intersect(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// May write, send or signal.
    #[must_use]
    pub const fn can_write(self) -> bool {
        self.0 & 1 != 0
    }

    /// May read, receive or wait.
    #[must_use]
    pub const fn can_read(self) -> bool {
        self.0 & 2 != 0
    }

    /// May pass capabilities on.
    #[must_use]
    pub const fn can_grant(self) -> bool {
        self.0 & 4 != 0
    }

    /// May give the right to an answer, by granting anything (bit 2) or just that (bit 3).
    #[must_use]
    pub const fn can_call(self) -> bool {
        self.0 & (4 | 8) != 0
    }
}

/// Guard of a CNode capability as a word: guard [63:6], its size in bits [5:0].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct CNodeCapData(pub u64);

impl CNodeCapData {
    /// A guard of `size` bits (0 to 63) with the value `guard`.
    #[must_use]
    pub const fn new(guard: u64, size: u64) -> Self {
        Self((guard << 6) | (size & 0x3f))
    }
    /// The guard's value.
    #[must_use]
    pub const fn guard(self) -> u64 {
        self.0 >> 6
    }
    /// The guard's size in bits.
    #[must_use]
    pub const fn guard_size(self) -> u64 {
        self.0 & 0x3f
    }
}
