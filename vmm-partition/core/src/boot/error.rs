//! Why a guest cannot be started.

use core::fmt;

use crate::guest_memory::OutsideMemory;

/// What is wrong with the kernel, the initial RAM disk, the command line or the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootError {
    /// There is no kernel file, or it is too short to have a header.
    KernelMissing {
        /// Its length.
        bytes: u64,
    },
    /// The file does not carry the marks of a Linux bzImage.
    NotLinux,
    /// Its boot protocol is too old.
    ProtocolTooOld {
        /// Version, major in the high byte.
        version: u16,
    },
    /// It is a kernel for 32-bit CPUs, or without 64-bit entry.
    Not64Bit,
    /// It is not a bzImage but the older zImage, which loads low.
    LoadsLow,
    /// It can run only at a fixed place.
    NotRelocatable,
    /// The file ends before the kernel that its header describes.
    KernelTruncated {
        /// Bytes that the header describes.
        expected: u64,
        /// Bytes of the file.
        bytes: u64,
    },
    /// The kernel's wishes for its place contradict each other.
    BadPlacement,
    /// Kernel and initial RAM disk do not fit.
    MemoryTooSmall {
        /// Bytes needed.
        needed: u64,
        /// Bytes of RAM.
        available: u64,
    },
    /// More RAM than fits below the PCI window.
    MemoryTooLarge,
    /// The command line is longer than the kernel takes.
    CommandLineTooLong {
        /// Its length.
        bytes: usize,
        /// The kernel's limit.
        limit: u32,
    },
    /// The command line contains a zero byte.
    CommandLineHasZero,
    /// The unpacked kernel's segments or relocations contradict its header.
    BadSegments,
    /// The guest's memory does not take what is written.
    Memory,
    /// The kernel refused the CPU's first state.
    CpuRefused {
        /// Its error.
        error: u64,
    },
}

impl core::error::Error for BootError {}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KernelMissing { bytes } => write!(
                f,
                "the guest kernel is missing: the file has {bytes} bytes, too few for a header"
            ),
            Self::NotLinux => f.write_str(
                "the guest kernel is not a Linux bzImage (boot flag or \"HdrS\" is missing)",
            ),
            Self::ProtocolTooOld { version } => write!(
                f,
                "the guest kernel speaks boot protocol {}.{:02}; 2.12 is the oldest that is accepted",
                version >> 8,
                version & 0xff
            ),
            Self::Not64Bit => f.write_str("the guest kernel has no 64-bit entry"),
            Self::LoadsLow => f.write_str("the guest kernel is a zImage; a bzImage is needed"),
            Self::NotRelocatable => f.write_str("the guest kernel is not relocatable"),
            Self::KernelTruncated { expected, bytes } => write!(
                f,
                "the guest kernel is cut off: {bytes} bytes of at least {expected}"
            ),
            Self::BadPlacement => {
                f.write_str("the guest kernel's header asks for an impossible load address")
            }
            Self::MemoryTooSmall { needed, available } => write!(
                f,
                "the guest's memory is too small: kernel and initial RAM disk need {needed} bytes, {available} are there"
            ),
            Self::MemoryTooLarge => {
                f.write_str("the guest's memory is too large: at most 3 GiB are supported")
            }
            Self::CommandLineTooLong { bytes, limit } => write!(
                f,
                "the guest's command line has {bytes} bytes; its kernel takes {limit}"
            ),
            Self::CommandLineHasZero => {
                f.write_str("the guest's command line contains a zero byte")
            }
            Self::BadSegments => f.write_str(
                "the guest kernel is not packed, and its segments or relocations contradict its header",
            ),
            Self::Memory => f.write_str("the guest's memory cannot be written"),
            Self::CpuRefused { error } => {
                write!(
                    f,
                    "the kernel refused the guest's first state (error {error})"
                )
            }
        }
    }
}

impl From<OutsideMemory> for BootError {
    fn from(OutsideMemory: OutsideMemory) -> Self {
        Self::Memory
    }
}
