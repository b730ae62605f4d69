//! Kernel objects, one entry each; runs of frames are one object.

use alloc::string::String;

use serde::{Deserialize, Serialize};

/// An object by its place in [`crate::System::objects`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectId(pub u32);

/// One kernel object, or a run of frames that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Unique, `component.part`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The vault's slot that holds its first capability; [`Kind::capability_count`] slots in all.
    pub slot: u32,
    /// Why the system has it.
    pub why: String,
}

/// What an object is, with what the kernel must know to make it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A thread.
    Tcb,
    /// A rendezvous for messages.
    Endpoint,
    /// A word of signals.
    Notification,
    /// The right to answer one call.
    Reply,
    /// CPU time; the object has 2^`size_bits` bytes.
    SchedContext {
        /// 7 or more.
        size_bits: u8,
    },
    /// A table of 2^`radix` slots.
    CNode {
        /// 1 or more.
        radix: u8,
    },
    /// Root of an address space.
    Pml4,
    /// Table below it, covering 512 GiB.
    Pdpt,
    /// Table covering 1 GiB.
    PageDirectory,
    /// Table covering 2 MiB.
    PageTable,
    /// A guest's processor.
    VirtualCpu,
    /// Root of a guest-physical address space.
    NestedRoot,
    /// Any lower table of one.
    NestedTable,
    /// Memory.
    Frames(Frames),
    /// The I/O ports `first` to `last`.
    IoPorts {
        /// First port.
        first: u16,
        /// Last port, included.
        last: u16,
    },
    /// The handler of an I/O APIC's input.
    IoApicInterrupt {
        /// Which I/O APIC, from 0.
        io_apic: u8,
        /// Which input of it.
        pin: u8,
        /// Edge or level.
        trigger: Trigger,
        /// User vector, 0 to 107.
        vector: u8,
    },
    /// The handler of a message-signalled interrupt.
    MessageInterrupt {
        /// The PCI function that sends it.
        source: crate::PciAddress,
        /// User vector, 0 to 107.
        vector: u8,
    },
}

/// How a device raises an interrupt line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trigger {
    /// A rising edge.
    EdgeHigh,
    /// A high level.
    LevelHigh,
    /// A low level, as PCI's lines have it.
    LevelLow,
}

/// A run of equally large frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frames {
    /// Size of each.
    pub size: FrameSize,
    /// How many, at least 1.
    pub count: u32,
    /// Where they come from and what they hold at the start.
    pub content: Content,
}

/// Size of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FrameSize {
    /// 4 KiB.
    Small,
    /// 2 MiB.
    Large,
}

/// Where frames come from and what they hold at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// RAM, zeroed.
    Zero,
    /// RAM, zeroed, physically contiguous, for devices.
    Contiguous,
    /// RAM that starts with a copy of bytes of a file and is zero behind them.
    Copied {
        /// Place in [`crate::System::files`].
        file: u32,
        /// First byte of the file, a multiple of 4 KiB.
        offset: u64,
        /// Bytes.
        length: u64,
    },
    /// RAM that the root server fills with the component's environment.
    Environment,
    /// The boot archive's own memory, never writable.
    Archive {
        /// Place in [`crate::System::files`].
        file: u32,
        /// First byte of the file, a multiple of the frame size.
        offset: u64,
    },
    /// Registers of a device at this physical address.
    Device {
        /// A multiple of the frame size.
        physical: u64,
    },
}

impl FrameSize {
    /// Bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        1 << self.bits()
    }

    /// Logarithm of the bytes.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Small => 12,
            Self::Large => 21,
        }
    }
}

impl Frames {
    /// Bytes in all, at most 2^53.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.count as u64 * self.size.bytes()
    }
}

impl Kind {
    /// How many capabilities stand for the object: one, or one a frame.
    #[must_use]
    pub const fn capability_count(&self) -> u32 {
        match self {
            Self::Frames(frames) => frames.count,
            _ => 1,
        }
    }

    /// Logarithm of the RAM that one such object (one frame of a run) takes;
    /// `None` for what takes no RAM of its own: device and archive frames, ports, interrupts.
    #[must_use]
    pub const fn size_bits(&self) -> Option<u8> {
        Some(match self {
            Self::Tcb => 11,
            Self::Endpoint => 4,
            Self::Notification => 6,
            Self::Reply => 5,
            Self::SchedContext { size_bits } => *size_bits,
            Self::CNode { radix } => radix.saturating_add(5),
            Self::Pml4
            | Self::Pdpt
            | Self::PageDirectory
            | Self::PageTable
            | Self::NestedRoot
            | Self::NestedTable => 12,
            Self::VirtualCpu => 13,
            Self::Frames(frames) => match frames.content {
                Content::Archive { .. } | Content::Device { .. } => return None,
                _ => frames.size.bits(),
            },
            Self::IoPorts { .. } | Self::IoApicInterrupt { .. } | Self::MessageInterrupt { .. } => {
                return None;
            }
        })
    }

    /// RAM that the object takes, in bytes.
    #[must_use]
    pub const fn ram_bytes(&self) -> u64 {
        match self.size_bits() {
            Some(bits) if bits < 32 => (self.capability_count() as u64) << bits,
            Some(_) => u64::MAX,
            None => 0,
        }
    }

    /// The frames, if it is a run of frames.
    #[must_use]
    pub const fn frames(&self) -> Option<&Frames> {
        match self {
            Self::Frames(frames) => Some(frames),
            _ => None,
        }
    }
}
