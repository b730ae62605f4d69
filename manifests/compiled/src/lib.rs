//! The compiled manifest: the complete list of objects, capabilities and mappings of a system.
//!
//! The manifest compiler writes it, the root server builds exactly what it says, and analysis reads
//! it. It decides everything but physical addresses of RAM: which object has which size, which slot of which CNode
//! holds which capability with which rights and badge, which frame is mapped where, and what each
//! component is told. It is coded with postcard; [`System::decode`] hands out only what passed
//! [`System::check`], so that every reference in it leads to an object of the right kind.
//!
//! # The vault
//!
//! An object lives as long as some capability to it does, and a mapping as long as the capability
//! that was mapped. Those capabilities lie in one CNode, the *vault*: every object's own
//! capabilities, and a copy for each further mapping. Besides them the vault holds a capability to
//! itself. When the root server deletes its capability to the vault, the vault lives on and nobody can
//! reach it.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod capability;
mod check;
mod component;
mod defect;
mod file;
mod mapping;
mod object;
mod pci;
mod system;

pub use capability::{Capability, Rights};
pub use component::{
    Component, FaultHandler, Interrupt, Parameter, Region, Schedule, Sharing, Value, VirtualCpu,
};
pub use defect::Defect;
pub use file::File;
pub use mapping::{Caching, GuestMapping, Mapping, Table};
pub use object::{Content, FrameSize, Frames, Kind, Object, ObjectId, Trigger};
pub use pci::{Bar, BarWidth, Message, MessageTable, PciAddress, PciFunction, PciTopology};
pub use system::{DecodeError, System};
