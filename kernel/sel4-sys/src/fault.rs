//! Fault messages: their labels, lengths and words.

/// Label of a message that restarts a thread, and of "no fault".
pub const NULL_FAULT: u64 = 0;
/// A capability pointer did not resolve: [`cap_fault_word`] names its 4 to 7 words.
pub const CAP_FAULT: u64 = 1;
/// The thread used a system call number that does not exist: 19 words.
pub const UNKNOWN_SYSCALL: u64 = 2;
/// A CPU exception other than a page fault: 5 words.
pub const USER_EXCEPTION: u64 = 3;
/// The budget ended and a timeout handler is set: 2 words.
pub const TIMEOUT: u64 = 5;
/// A page fault: 4 words.
pub const VM_FAULT: u64 = 6;

/// Words of an UnknownSyscall message: rax rbx rcx rdx rsi rdi rbp r8…r15 FaultIP RSP FLAGS number.
pub const UNKNOWN_SYSCALL_WORDS: u64 = 19;
/// Words of a UserException message: IP SP FLAGS vector code.
pub const USER_EXCEPTION_WORDS: u64 = 5;
/// Words of a Timeout message: data, consumed microseconds.
pub const TIMEOUT_WORDS: u64 = 2;
/// Words of a VMFault message: IP, address, isInstruction, FSR (the page-fault error code).
pub const VM_FAULT_WORDS: u64 = 4;

/// Index of each word in a CapFault message.
pub mod cap_fault_word {
    /// Instruction pointer to restart at.
    pub const IP: usize = 0;
    /// The capability pointer.
    pub const ADDRESS: usize = 1;
    /// Whether the thread was receiving.
    pub const IN_RECEIVE_PHASE: usize = 2;
    /// Which lookup failure.
    pub const LOOKUP_FAILURE: usize = 3;
    /// Bits of the pointer that were left.
    pub const BITS_LEFT: usize = 4;
    /// Bits found (depth mismatch) or guard found (guard mismatch).
    pub const BITS_OR_GUARD_FOUND: usize = 5;
    /// Bits of the guard found.
    pub const GUARD_BITS_FOUND: usize = 6;
}

/// Why a capability pointer did not resolve.
pub mod lookup_failure {
    /// The CSpace root is not a CNode.
    pub const INVALID_ROOT: u64 = 1;
    /// The slot is empty.
    pub const MISSING_CAPABILITY: u64 = 2;
    /// The pointer has bits left over, or too few.
    pub const DEPTH_MISMATCH: u64 = 3;
    /// A guard differs.
    pub const GUARD_MISMATCH: u64 = 4;
}
