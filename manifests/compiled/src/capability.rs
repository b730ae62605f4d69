//! Capabilities that a component holds.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::ObjectId;

/// One slot of a component's CNode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// What the component's environment calls it.
    pub name: String,
    /// The slot, from 1.
    pub slot: u32,
    /// What it is a capability to.
    pub object: ObjectId,
    /// What may be done with it.
    pub rights: Rights,
    /// Badge of an endpoint or notification, 0 for none.
    pub badge: u64,
    /// Why the component holds it, in the manifest's words.
    pub why: String,
}

/// Rights in the kernel's coding: bit 0 write, 1 read, 2 grant, 3 grantReply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rights(pub u8);

impl Rights {
    /// Write, send or signal.
    pub const WRITE: Self = Self(1);
    /// Read, receive or wait.
    pub const READ: Self = Self(2);
    /// Read and write.
    pub const READ_WRITE: Self = Self(3);
    /// Send, and let the receiver reply.
    pub const CALL: Self = Self(1 | 8);
    /// All of them, for objects whose capabilities know no rights.
    pub const ALL: Self = Self(15);

    /// Whether all of `other` are among these.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
