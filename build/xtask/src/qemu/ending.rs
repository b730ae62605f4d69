//! What the end of a machine means.

use std::fmt;
use std::process::{ExitCode, ExitStatus};

/// Values written to the isa-debug-exit port. QEMU exits with `2 * value + 1`, and with 1 when it
/// fails itself, so 0 means nothing and success has a value of its own.
const PASSED: i32 = 0x10;
const FAILED: i32 = 0x11;
const KERNEL_PANICKED: i32 = 0x12;

/// How a machine ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// Power-off by the system, or a reset, which ends QEMU too.
    PoweredOff,
    /// The program said that all was well.
    Passed,
    /// The program said that something was wrong.
    Failed,
    /// The kernel could not go on.
    KernelPanicked,
    /// Some other value at the exit port.
    Exited(i32),
    /// QEMU itself failed; it has said why on its standard error.
    EmulatorFailed,
    /// Still running at the end of its time; it was stopped.
    TimedOut,
    /// It lost its power, as a test wanted.
    PowerCut,
}

impl Ending {
    /// What QEMU's exit status says.
    pub(crate) fn of(status: ExitStatus) -> Ending {
        match status.code() {
            Some(0) => Ending::PoweredOff,
            Some(code) if code % 2 == 1 && code > 1 => match code >> 1 {
                PASSED => Ending::Passed,
                FAILED => Ending::Failed,
                KERNEL_PANICKED => Ending::KernelPanicked,
                value => Ending::Exited(value),
            },
            _ => Ending::EmulatorFailed,
        }
    }

    /// What this tool exits with after it.
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Ending::PoweredOff | Ending::Passed => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::PoweredOff => write!(formatter, "powered off or reset"),
            Ending::Passed => write!(formatter, "reported success"),
            Ending::Failed => write!(formatter, "reported a failure"),
            Ending::KernelPanicked => write!(formatter, "stopped: the kernel panicked"),
            Ending::Exited(value) => write!(formatter, "exited with value {value:#x}"),
            Ending::EmulatorFailed => write!(formatter, "did not run: QEMU failed"),
            Ending::TimedOut => write!(formatter, "was stopped: its time was up"),
            Ending::PowerCut => write!(formatter, "lost its power"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn exit(code: i32) -> Ending {
        Ending::of(ExitStatus::from_raw(code << 8))
    }

    #[test]
    fn statuses_are_told_apart() {
        assert_eq!(exit(0), Ending::PoweredOff);
        assert_eq!(exit(1), Ending::EmulatorFailed);
        assert_eq!(exit(33), Ending::Passed);
        assert_eq!(exit(35), Ending::Failed);
        assert_eq!(exit(37), Ending::KernelPanicked);
        assert_eq!(exit(3), Ending::Exited(1));
        assert_eq!(Ending::of(ExitStatus::from_raw(9)), Ending::EmulatorFailed);
    }
}
