//! Paging structures and mapped frames.

use serde::{Deserialize, Serialize};

use crate::{ObjectId, Rights};

/// A paging structure in an address space. Tables stand before those that they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The PDPT, page directory, page table, or nested table.
    pub object: ObjectId,
    /// The PML4 or nested root that it belongs to.
    pub space: ObjectId,
    /// First address that it covers.
    pub address: u64,
}

/// A run of frames in a component's address space, at consecutive addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The PML4.
    pub space: ObjectId,
    /// The frames.
    pub frames: ObjectId,
    /// The vault's slot of the first capability that is mapped: the object's own, or that of a run of copies.
    pub slot: u32,
    /// Address of the first frame.
    pub address: u64,
    /// Read, or read and write. (The kernel's interface has no right to execute: what is readable is executable.)
    pub rights: Rights,
    /// How the processor caches it.
    pub caching: Caching,
}

/// A run of frames in a guest's physical address space, readable, writable and executable there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestMapping {
    /// The nested root.
    pub space: ObjectId,
    /// The frames.
    pub frames: ObjectId,
    /// The vault's slot of the first capability that is mapped.
    pub slot: u32,
    /// Guest-physical address of the first frame.
    pub address: u64,
}

/// How the processor caches a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Caching {
    /// RAM.
    WriteBack,
    /// Registers.
    Uncached,
}
