//! How a guest's run ends.

use core::fmt;

/// Why the guest does not run any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The guest switched itself off (ACPI S5).
    PowerOff,
    /// The guest asked for a reset, by the named way.
    Reset(ResetBy),
    /// The guest's CPU shut down: an exception while delivering a double fault.
    TripleFault {
        /// Where the guest stood.
        rip: u64,
    },
    /// The guest halted with interrupts off: nothing can wake it.
    Halted,
    /// The monitor cannot go on with this guest.
    Stopped(Stop),
}

/// The register by which a reset was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetBy {
    /// Port 0xcf9, which the FADT names as the reset register.
    ResetRegister,
    /// Pulse of the keyboard controller's reset line (port 0x64).
    KeyboardController,
    /// Port 0x92.
    SystemControlPort,
}

/// Why the monitor gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// An instruction that touches a device is none that the monitor can execute.
    Instruction {
        /// Where it stands.
        rip: u64,
        /// The address it touched.
        address: u64,
    },
    /// The guest fetches instructions where there is no memory.
    FetchOutsideMemory {
        /// The address.
        address: u64,
    },
    /// The CPU refused the guest's state.
    InvalidState {
        /// The CPU's code.
        code: u64,
        /// Where the guest stood.
        rip: u64,
    },
    /// An exit that is not expected.
    UnknownExit {
        /// The reason.
        reason: u64,
        /// Its detail.
        detail: u64,
        /// Where the guest stood.
        rip: u64,
    },
    /// The kernel refused a request of the monitor.
    KernelRefused {
        /// The kernel's error.
        error: u64,
    },
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PowerOff => f.write_str("the guest switched itself off"),
            Self::Reset(by) => write!(f, "the guest asked for a reset through the {by}"),
            Self::TripleFault { rip } => {
                write!(f, "the guest's CPU shut down at {rip:#x} (triple fault)")
            }
            Self::Halted => f.write_str("the guest halted for good (HLT with interrupts off)"),
            Self::Stopped(stop) => write!(f, "the guest was stopped: {stop}"),
        }
    }
}

impl fmt::Display for ResetBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ResetRegister => "reset register",
            Self::KeyboardController => "keyboard controller",
            Self::SystemControlPort => "system control port",
        })
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instruction { rip, address } => write!(
                f,
                "the instruction at {rip:#x} touches {address:#x}, where no memory is, in a way that is not supported"
            ),
            Self::FetchOutsideMemory { address } => {
                write!(f, "it executes at {address:#x}, where no memory is")
            }
            Self::InvalidState { code, rip } => {
                write!(f, "the CPU refuses its state at {rip:#x} (code {code:#x})")
            }
            Self::UnknownExit {
                reason,
                detail,
                rip,
            } => write!(
                f,
                "unexpected exit {reason} (detail {detail:#x}) at {rip:#x}"
            ),
            Self::KernelRefused { error } => {
                write!(
                    f,
                    "the kernel refused the monitor's request (error {error})"
                )
            }
        }
    }
}
