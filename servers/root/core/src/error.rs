//! Why the system cannot be built.

use alloc::string::String;
use core::fmt;

use compiled_manifest::{DecodeError, PciAddress};

/// Why the system cannot be built: one sentence each, naming the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// The kernel refused an operation on an object.
    Kernel {
        /// What was tried, as in "cannot be made".
        what: &'static str,
        /// The object.
        object: String,
        /// The kernel's answer.
        error: sel4_sys::Error,
    },
    /// The processor lacks what programs are built for; the names of all that it lacks.
    Processor(String),
    /// The root image carries no archive.
    NoArchive,
    /// The archive is not laid out as it must be.
    BadArchive,
    /// The archive lacks a file, or has it with another length than the manifest says.
    File(String),
    /// The compiled manifest cannot be used.
    Manifest(DecodeError),
    /// There is not enough RAM for an object.
    NoMemory(String),
    /// No untyped memory covers a physical address, or it was used before.
    NoDeviceMemory {
        /// The object.
        object: String,
        /// The address.
        physical: u64,
    },
    /// The root server's own slots are used up.
    NoSlots,
    /// A PCI function is not what the manifest says.
    WrongFunction {
        /// Where.
        address: PciAddress,
        /// Vendor and device that the manifest names.
        expected: (u16, u16),
        /// Vendor and device that are there.
        found: (u16, u16),
    },
    /// A PCI function does not take what is written to it, or lacks what the manifest relies on.
    BadFunction {
        /// Where.
        address: PciAddress,
        /// What is wrong.
        what: &'static str,
    },
    /// There is no source of entropy.
    Entropy(crate::EntropyError),
    /// A component's environment is too long.
    Environment(String),
    /// Memory that must be contiguous is not where it was expected.
    Misplaced(String),
    /// A copy went beyond the window: a defect of this program.
    Window,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel {
                what,
                object,
                error,
            } => write!(f, "{object} {what}: {error:?}"),
            Self::Processor(missing) => {
                write!(
                    f,
                    "programs are built for x86-64-v3, this processor lacks {missing}"
                )
            }
            Self::NoArchive => f.write_str("the root image has no archive"),
            Self::BadArchive => f.write_str("the boot archive is malformed"),
            Self::File(name) => write!(f, "the archive's file {name} is missing or another one"),
            Self::Manifest(error) => error.fmt(f),
            Self::NoMemory(object) => write!(f, "there is not enough memory for {object}"),
            Self::NoDeviceMemory { object, physical } => {
                write!(
                    f,
                    "{object} lies at {physical:#x}, where there is no free device memory"
                )
            }
            Self::NoSlots => f.write_str("the root server's slots are used up"),
            Self::WrongFunction {
                address,
                expected,
                found,
            } => write!(
                f,
                "PCI function {address} is {:04x}:{:04x}, the manifest says {:04x}:{:04x}",
                found.0, found.1, expected.0, expected.1
            ),
            Self::BadFunction { address, what } => write!(f, "PCI function {address} {what}"),
            Self::Entropy(error) => error.fmt(f),
            Self::Environment(component) => {
                write!(f, "the environment of {component} is too long")
            }
            Self::Misplaced(object) => write!(f, "{object} is not contiguous"),
            Self::Window => f.write_str("a copy went beyond the window"),
        }
    }
}

impl core::error::Error for BuildError {}

/// Adds to the kernel's errors what was tried.
pub(crate) trait Naming<T> {
    /// Says that `object` `what`.
    fn naming(self, object: &str, what: &'static str) -> Result<T, BuildError>;
}

impl<T> Naming<T> for Result<T, sel4_sys::Error> {
    fn naming(self, object: &str, what: &'static str) -> Result<T, BuildError> {
        self.map_err(|error| BuildError::Kernel {
            what,
            object: object.into(),
            error,
        })
    }
}
