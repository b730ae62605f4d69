//! The forms that an instruction on device memory can have here.

/// A general register or part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Register in encoding order.
    pub(crate) index: usize,
    /// Bytes: 1, 2, 4, 8.
    pub(crate) size: usize,
    /// 8 for AH, CH, DH, BH, else 0.
    pub(crate) shift: u32,
}

/// What is written or combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Register(Part),
    Immediate(u64),
}

/// How a value read fills a wider register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extend {
    Zero,
    Sign,
}

/// Two-operand operations that set flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    And,
    Or,
    Xor,
    /// Subtract without storing.
    Compare,
    /// And without storing.
    Test,
}

/// Where the result of an operation goes; the other operand is the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Memory takes the source.
    Store(Source),
    /// A register takes memory.
    Load { to: Part, extend: Extend },
    /// Memory takes memory combined with the source.
    Modify { with: Arithmetic, source: Source },
    /// A register takes itself combined with memory.
    Combine { with: Arithmetic, register: Part },
    /// Memory and a register change places.
    Exchange(Part),
    /// STOS, with REP or without.
    StoreString(Repeat),
    /// MOVS, with REP or without.
    MoveString(Repeat),
}

/// Whether a string instruction has a repeat prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    Once,
    ByRcx,
}

/// A decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) action: Action,
    /// Bytes of the memory operand: 1, 2, 4, 8.
    pub(crate) size: usize,
    /// Bytes of the instruction.
    pub(crate) length: u64,
}
