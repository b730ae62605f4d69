//! One line of an environment: a capability, a region or a parameter, with its name.

use serde::{Deserialize, Serialize};

/// A capability that the component holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability<'a> {
    /// What the manifest calls it.
    pub name: &'a str,
    /// Its slot, which is also the capability pointer.
    pub slot: u64,
}

/// Memory that is mapped into the component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region<'a> {
    /// What the manifest calls it.
    pub name: &'a str,
    /// First address.
    pub address: u64,
    /// Bytes.
    pub size: u64,
    /// Whether the component may write there.
    pub writable: bool,
    /// Who else can change the contents.
    pub sharing: Sharing,
    /// Where a device finds the memory; it is contiguous there. `None` where no device may.
    pub physical: Option<u64>,
}

impl Region<'_> {
    /// Address behind the last byte; `None` when the region wraps around.
    #[must_use]
    pub const fn end(&self) -> Option<u64> {
        self.address.checked_add(self.size)
    }
}

/// Who can change what a region holds, besides the component itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sharing {
    /// Nobody: the frames are mapped in no other address space and given to no device.
    Private,
    /// Another component, a guest or a device.
    Shared,
    /// These are registers of a device, where each access counts.
    Registers,
}

/// A setting of the component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter<'a> {
    /// What the manifest calls it.
    pub name: &'a str,
    /// What it is set to.
    #[serde(borrow)]
    pub value: Value<'a>,
}

/// What a parameter is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value<'a> {
    /// A number.
    Integer(u64),
    /// Words.
    Text(&'a str),
    /// Anything else.
    Bytes(&'a [u8]),
}
