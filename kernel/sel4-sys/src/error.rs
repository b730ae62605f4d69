//! Error codes of invocations: the label of an unsuccessful reply.

/// Why an invocation was refused (libsel4 `seL4_Error`); the reply's label is its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Error {
    /// An argument has a value that the operation does not know.
    InvalidArgument = 1,
    /// A capability is of the wrong kind; message register 0 says which argument.
    InvalidCapability = 2,
    /// The operation is not possible on this object or in this state.
    IllegalOperation = 3,
    /// A number is outside its range; registers 0 and 1 hold the limits.
    RangeError = 4,
    /// An address is not aligned as it must be.
    AlignmentError = 5,
    /// A capability pointer did not resolve; register 0 says whether in the source, then a lookup failure follows.
    FailedLookup = 6,
    /// The message has too few words or capabilities.
    TruncatedMessage = 7,
    /// A slot or mapping that must be empty is in use.
    DeleteFirst = 8,
    /// The capability has children that must be revoked first.
    RevokeFirst = 9,
    /// The untyped region is too small; register 0 holds the bytes that are left.
    NotEnoughMemory = 10,
}
