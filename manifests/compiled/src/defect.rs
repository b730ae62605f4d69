//! What can be wrong with a compiled manifest.

use core::fmt;

use crate::ObjectId;

/// How a compiled manifest contradicts itself. The compiler never writes one; a damaged file may hold one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// The vault's or a CNode's size is out of range.
    CNodeSize,
    /// An object is too large, too small, or not aligned as its kind demands.
    ObjectShape(ObjectId),
    /// Two things use the same slot of the vault, or a slot lies outside it.
    VaultSlot(u32),
    /// A file's bytes are referred to that it does not have.
    FileRange(ObjectId),
    /// A reference leads nowhere or to an object of another kind.
    Reference(ObjectId),
    /// An object that must belong to one component belongs to two.
    Shared(ObjectId),
    /// An address is not aligned or outside of what can be mapped.
    Address(u64),
    /// A paging structure is given twice.
    TableTwice(u64),
    /// The paging structure above this address is missing.
    TableMissing(u64),
    /// Two mappings cover this address.
    MappingOverlap(u64),
    /// Memory that must never be written is mapped writable.
    Writable(ObjectId),
    /// Two capabilities of component number so-and-so share a slot, or a slot lies outside its CNode.
    CapabilitySlot(usize),
    /// Component number so-and-so has a name that is empty or taken.
    ComponentName(usize),
    /// Component number so-and-so describes a region that is not mapped so.
    Region(usize),
    /// Component number so-and-so has a schedule that the kernel refuses.
    Schedule(usize),
    /// PCI function number so-and-so is described impossibly.
    PciFunction(usize),
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::CNodeSize => f.write_str("a CNode's size is out of range"),
            Self::ObjectShape(ObjectId(id)) => write!(f, "object {id} has an impossible shape"),
            Self::VaultSlot(slot) => write!(f, "slot {slot} of the vault is used twice or outside"),
            Self::FileRange(ObjectId(id)) => {
                write!(f, "object {id} refers to bytes that its file does not have")
            }
            Self::Reference(ObjectId(id)) => {
                write!(f, "object {id} does not exist or is of another kind")
            }
            Self::Shared(ObjectId(id)) => write!(f, "object {id} belongs to two components"),
            Self::Address(address) => write!(f, "address {address:#x} cannot be mapped"),
            Self::TableTwice(address) => write!(f, "two paging structures at {address:#x}"),
            Self::TableMissing(address) => {
                write!(f, "a paging structure is missing at {address:#x}")
            }
            Self::MappingOverlap(address) => write!(f, "two mappings at {address:#x}"),
            Self::Writable(ObjectId(id)) => write!(f, "object {id} must not be writable"),
            Self::CapabilitySlot(index) => {
                write!(
                    f,
                    "component {index} has a slot that is used twice or outside"
                )
            }
            Self::ComponentName(index) => {
                write!(f, "component {index} has a name that is empty or taken")
            }
            Self::Region(index) => {
                write!(
                    f,
                    "component {index} describes a region that is not mapped so"
                )
            }
            Self::Schedule(index) => write!(f, "component {index} has an impossible schedule"),
            Self::PciFunction(index) => write!(f, "PCI function {index} is impossible"),
        }
    }
}
