//! Why an invocation is refused, and how the caller is told.

use sel4_sys::fault::lookup_failure;

/// Why a capability address led to no slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LookupFailure {
    /// The root is no CNode.
    InvalidRoot,
    /// There is no fitting capability.
    MissingCapability { bits_left: u64 },
    /// The address has too few or too many bits for this CNode.
    DepthMismatch { bits_left: u64, bits_found: u64 },
    /// The address does not match a CNode's guard.
    GuardMismatch {
        bits_left: u64,
        guard: u64,
        guard_bits: u64,
    },
}

impl LookupFailure {
    /// The words that describe the failure, and how many of them count.
    pub(crate) const fn words(self) -> ([u64; 4], u64) {
        match self {
            Self::InvalidRoot => ([lookup_failure::INVALID_ROOT, 0, 0, 0], 1),
            Self::MissingCapability { bits_left } => {
                ([lookup_failure::MISSING_CAPABILITY, bits_left, 0, 0], 2)
            }
            Self::DepthMismatch {
                bits_left,
                bits_found,
            } => (
                [lookup_failure::DEPTH_MISMATCH, bits_left, bits_found, 0],
                3,
            ),
            Self::GuardMismatch {
                bits_left,
                guard,
                guard_bits,
            } => (
                [lookup_failure::GUARD_MISMATCH, bits_left, guard, guard_bits],
                4,
            ),
        }
    }
}

/// Why an invocation is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Error {
    /// The argument with this number has a value that makes no sense.
    InvalidArgument(u64),
    /// The capability with this number is not of the right type; 0 is the invoked one.
    InvalidCapability(u64),
    /// The operation is not possible on this object now.
    IllegalOperation,
    /// An argument is not between these two, inclusive.
    Range { min: u64, max: u64 },
    /// An address is not aligned.
    Alignment,
    /// An address among the arguments led to no capability.
    FailedLookup {
        source: bool,
        failure: LookupFailure,
    },
    /// The message has too few words or capabilities.
    Truncated,
    /// Something is in the place that should be empty.
    DeleteFirst,
    /// The capability has children.
    RevokeFirst,
    /// This many bytes are left, too few.
    NotEnoughMemory(u64),
}

impl Error {
    /// A failed lookup of a destination or plain argument.
    pub(crate) const fn lookup(failure: LookupFailure) -> Self {
        Self::FailedLookup {
            source: false,
            failure,
        }
    }

    /// The label of the answer, its words, and how many of them count.
    pub(crate) fn message(self) -> (u64, [u64; 5], u64) {
        use sel4_sys::Error as Number;
        let (number, words, count) = match self {
            Self::InvalidArgument(argument) => (Number::InvalidArgument, [argument, 0, 0, 0, 0], 1),
            Self::InvalidCapability(which) => (Number::InvalidCapability, [which, 0, 0, 0, 0], 1),
            Self::IllegalOperation => (Number::IllegalOperation, [0; 5], 0),
            Self::Range { min, max } => (Number::RangeError, [min, max, 0, 0, 0], 2),
            Self::Alignment => (Number::AlignmentError, [0; 5], 0),
            Self::FailedLookup { source, failure } => {
                let ([kind, first, second, third], count) = failure.words();
                let words = [u64::from(source), kind, first, second, third];
                (Number::FailedLookup, words, count + 1)
            }
            Self::Truncated => (Number::TruncatedMessage, [0; 5], 0),
            Self::DeleteFirst => (Number::DeleteFirst, [0; 5], 0),
            Self::RevokeFirst => (Number::RevokeFirst, [0; 5], 0),
            Self::NotEnoughMemory(left) => (Number::NotEnoughMemory, [left, 0, 0, 0, 0], 1),
        };
        (number as u64, words, count)
    }
}

/// Why an invocation did not come to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// It is refused; nothing has changed.
    Refused(Error),
    /// An interrupt waits; the thread will make the same system call again.
    Preempted,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}
