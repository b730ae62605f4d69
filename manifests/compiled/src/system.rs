//! The whole system, and its coded form.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Component, Defect, File, GuestMapping, Kind, Mapping, Object, ObjectId, PciTopology, Table,
};

/// Everything that the root server builds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// The system manifest's name.
    pub name: String,
    /// The hardware manifest's name.
    pub hardware: String,
    /// The vault has 2^`vault_radix` slots; slot 0 stays empty, slot 1 holds the vault itself,
    /// slot 2 the pool of address space identifiers.
    pub vault_radix: u8,
    /// The ports on which the root server reports, if there is a serial line.
    pub boot_console: Option<ObjectId>,
    /// Files of the boot archive.
    pub files: Vec<File>,
    /// All objects but the vault.
    pub objects: Vec<Object>,
    /// Paging structures, each behind the one that holds it.
    pub tables: Vec<Table>,
    /// Frames in components.
    pub mappings: Vec<Mapping>,
    /// Frames in guests.
    pub guest_mappings: Vec<GuestMapping>,
    /// The components; a component's index is its place here.
    pub components: Vec<Component>,
    /// Devices on PCI.
    pub pci: PciTopology,
}

/// Why bytes are no compiled manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Postcard does not understand them.
    Malformed,
    /// Bytes follow behind the manifest.
    TrailingBytes,
    /// They are a manifest that contradicts itself.
    Defective(Defect),
}

impl System {
    /// The vault's slot that holds the vault itself.
    pub const VAULT_SELF: u32 = 1;
    /// The vault's slot that holds the pool of address space identifiers, which all spaces need to live on.
    pub const VAULT_ASID_POOL: u32 = 2;
    /// The first slot of the vault for objects.
    pub const VAULT_FIRST: u32 = 3;

    /// The coded form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Strings, numbers and sequences of known length cannot fail to be coded into a growing buffer.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Reads the coded form and checks it.
    ///
    /// # Errors
    ///
    /// The bytes are malformed, too many, or contradict themselves.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (system, rest) =
            postcard::take_from_bytes::<Self>(bytes).map_err(|_| DecodeError::Malformed)?;
        if !rest.is_empty() {
            return Err(DecodeError::TrailingBytes);
        }
        system.check().map_err(DecodeError::Defective)?;
        Ok(system)
    }

    /// The object `id`, if there is one.
    #[must_use]
    pub fn object(&self, id: ObjectId) -> Option<&Object> {
        self.objects.get(usize::try_from(id.0).ok()?)
    }

    /// What kind of object `id` is, if there is one.
    #[must_use]
    pub fn kind(&self, id: ObjectId) -> Option<&Kind> {
        self.object(id).map(|object| &object.kind)
    }

    /// RAM that all objects and the vault take, in bytes.
    #[must_use]
    pub fn ram_bytes(&self) -> u64 {
        let vault = 1u64
            .checked_shl(u32::from(self.vault_radix) + 5)
            .unwrap_or(u64::MAX);
        let objects = self.objects.iter().map(|object| object.kind.ram_bytes());
        objects.fold(vault, u64::saturating_add)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the compiled manifest is malformed"),
            Self::TrailingBytes => f.write_str("bytes follow the compiled manifest"),
            Self::Defective(defect) => write!(f, "the compiled manifest is defective: {defect}"),
        }
    }
}

impl core::error::Error for DecodeError {}
