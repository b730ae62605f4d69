//! A fault message in words.
//!
//! The message comes from the kernel, but it is read like any other: what is not there counts as
//! zero, and numbers without a meaning are shown as numbers.

use core::fmt;

use sel4_sys::fault::{
    CAP_FAULT, TIMEOUT, UNKNOWN_SYSCALL, USER_EXCEPTION, VM_FAULT, cap_fault_word, lookup_failure,
};

use crate::exception;

/// Bits of the page-fault error code.
const PRESENT: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const RESERVED: u64 = 1 << 3;

/// Words of an UnknownSyscall message that are shown.
const SYSCALL_INSTRUCTION: usize = 15;
const SYSCALL_NUMBER: usize = 18;

/// Why a thread stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It touched memory that it may not touch so.
    Memory {
        /// How it touched it.
        access: Access,
        /// Where.
        address: u64,
        /// The page-fault error code.
        code: u64,
        /// The instruction's address.
        instruction: u64,
    },
    /// The processor raised another exception.
    Exception {
        /// Its number.
        vector: u64,
        /// Its error code.
        code: u64,
        /// The instruction's address.
        instruction: u64,
    },
    /// It named a capability that it does not have.
    Capability {
        /// The capability pointer.
        pointer: u64,
        /// Whether it was to receive through it.
        receiving: bool,
        /// What is wrong with the pointer.
        failure: LookupFailure,
        /// The instruction's address.
        instruction: u64,
    },
    /// It used a system call that does not exist.
    SystemCall {
        /// The number.
        number: i64,
        /// The instruction's address.
        instruction: u64,
    },
    /// Its budget ended before its work did.
    Timeout {
        /// Which scheduling context.
        context: u64,
        /// Microseconds it used.
        consumed_us: u64,
    },
    /// The kernel says something that this supervisor does not know.
    Unknown {
        /// The message's label.
        label: u64,
    },
}

/// How memory was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read.
    Read,
    /// Written.
    Write,
    /// Executed.
    Execute,
}

/// What is wrong with a capability pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupFailure {
    /// The thread has no capabilities at all.
    InvalidRoot,
    /// The slot is empty.
    Missing,
    /// The pointer ends too early or too late.
    DepthMismatch,
    /// The pointer leaves the capability space.
    GuardMismatch,
    /// The kernel's number for something else.
    Other(u64),
}

impl Fault {
    /// Reads a message with `label`; `word` answers its words, and 0 for what it does not have.
    #[must_use]
    pub fn decode(label: u64, word: impl Fn(usize) -> u64) -> Self {
        match label {
            VM_FAULT => Self::decode_memory(word(0), word(1), word(2), word(3)),
            USER_EXCEPTION => Self::Exception {
                instruction: word(0),
                vector: word(3),
                code: word(4),
            },
            CAP_FAULT => Self::Capability {
                instruction: word(cap_fault_word::IP),
                pointer: word(cap_fault_word::ADDRESS),
                receiving: word(cap_fault_word::IN_RECEIVE_PHASE) != 0,
                failure: LookupFailure::from_number(word(cap_fault_word::LOOKUP_FAILURE)),
            },
            UNKNOWN_SYSCALL => Self::SystemCall {
                instruction: word(SYSCALL_INSTRUCTION),
                number: word(SYSCALL_NUMBER).cast_signed(),
            },
            TIMEOUT => Self::Timeout {
                context: word(0),
                consumed_us: word(1),
            },
            _ => Self::Unknown { label },
        }
    }

    fn decode_memory(instruction: u64, address: u64, is_instruction: u64, code: u64) -> Self {
        let access = if is_instruction != 0 {
            Access::Execute
        } else if code & WRITE != 0 {
            Access::Write
        } else {
            Access::Read
        };
        Self::Memory {
            access,
            address,
            code,
            instruction,
        }
    }
}

impl LookupFailure {
    fn from_number(number: u64) -> Self {
        match number {
            lookup_failure::INVALID_ROOT => Self::InvalidRoot,
            lookup_failure::MISSING_CAPABILITY => Self::Missing,
            lookup_failure::DEPTH_MISMATCH => Self::DepthMismatch,
            lookup_failure::GUARD_MISMATCH => Self::GuardMismatch,
            _ => Self::Other(number),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Memory {
                access,
                address,
                code,
                instruction,
            } => {
                let state = memory_state(code);
                write!(f, "page fault: {access} at {address:#x}, which is {state}")?;
                write!(f, "; instruction at {instruction:#x}")
            }
            Self::Exception {
                vector,
                code,
                instruction,
            } => {
                let name = exception::name(vector);
                write!(f, "{name} (vector {vector}, code {code:#x})")?;
                write!(f, "; instruction at {instruction:#x}")
            }
            Self::Capability {
                pointer,
                receiving,
                failure,
                instruction,
            } => {
                let purpose = if receiving { "receive" } else { "send" };
                write!(
                    f,
                    "capability fault: {purpose} through {pointer:#x}, {failure}"
                )?;
                write!(f, "; instruction at {instruction:#x}")
            }
            Self::SystemCall {
                number,
                instruction,
            } => {
                write!(f, "unknown system call {number}")?;
                write!(f, "; instruction at {instruction:#x}")
            }
            Self::Timeout {
                context,
                consumed_us,
            } => write!(
                f,
                "its time is used up: {consumed_us} us of context {context}"
            ),
            Self::Unknown { label } => write!(f, "fault of unknown kind {label}"),
        }
    }
}

fn memory_state(code: u64) -> &'static str {
    if code & RESERVED != 0 {
        "mapped wrongly"
    } else if code & PRESENT != 0 {
        "mapped without that right"
    } else {
        "not mapped"
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Execute => "execution",
        })
    }
}

impl fmt::Display for LookupFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidRoot => f.write_str("and there is no capability space"),
            Self::Missing => f.write_str("an empty slot"),
            Self::DepthMismatch => f.write_str("a pointer of the wrong length"),
            Self::GuardMismatch => f.write_str("outside the capability space"),
            Self::Other(number) => write!(f, "lookup failure {number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn said(label: u64, words: &[u64]) -> alloc::string::String {
        let word = |index: usize| words.get(index).copied().unwrap_or(0);
        Fault::decode(label, word).to_string()
    }

    #[test]
    fn page_faults_name_access_address_and_instruction() {
        assert_eq!(
            said(6, &[0x40_1000, 0, 0, 4]),
            "page fault: read at 0x0, which is not mapped; instruction at 0x401000"
        );
        assert_eq!(
            said(6, &[0x40_1000, 0x40_0000, 0, 7]),
            "page fault: write at 0x400000, which is mapped without that right; instruction at 0x401000"
        );
        assert_eq!(
            said(6, &[0x2000_0000, 0x2000_0000, 1, 0x15]),
            "page fault: execution at 0x20000000, which is mapped without that right; \
             instruction at 0x20000000"
        );
    }

    #[test]
    fn other_faults_say_what_was_tried() {
        assert_eq!(
            said(3, &[0x40_2000, 0x1000_0000, 0x202, 6, 0]),
            "invalid instruction (vector 6, code 0x0); instruction at 0x402000"
        );
        assert_eq!(
            said(1, &[0x40_2000, 0x99, 0, 2, 3]),
            "capability fault: send through 0x99, an empty slot; instruction at 0x402000"
        );
        assert_eq!(
            said(1, &[0x40_2000, 0x99, 1, 4]),
            "capability fault: receive through 0x99, outside the capability space; \
             instruction at 0x402000"
        );
        let mut call = [0; 19];
        call[15] = 0x40_3000;
        call[18] = u64::MAX - 98;
        assert_eq!(
            said(2, &call),
            "unknown system call -99; instruction at 0x403000"
        );
        assert_eq!(
            said(5, &[7, 1500]),
            "its time is used up: 1500 us of context 7"
        );
        assert_eq!(said(4, &[]), "fault of unknown kind 4");
    }

    proptest! {
        #[test]
        fn any_message_can_be_said(label in 0u64..10, words: [u64; 20]) {
            prop_assert!(!said(label, &words).is_empty());
        }
    }
}
